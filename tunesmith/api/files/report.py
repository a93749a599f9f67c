"""`GET /v1/files/{id}/report`: what a job would say of a training file, and what it would make of its tokens.

Our own call. A large file takes its time; the answer says how far the look at it has come, and what is known.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Caller
from tunesmith.api.files.inspected import base_of, known, report_progress, task_for, waited_for
from tunesmith.api.office import Office, OfficeDep
from tunesmith.data import repeats
from tunesmith.data.histogram import Bin
from tunesmith.data.inspection import Problem, Summary, Tokens, problem_of
from tunesmith.data.report import Role
from tunesmith.jobs.inspecting import Compare, Inspect, shared
from tunesmith.wire.file_report import (
    Duplicates,
    FileProblem,
    FileReport,
    Overlap,
    ReportBody,
    RowBin,
    SharedRow,
    TokenFacts,
    TurnFacts,
    Verdict,
)

router = APIRouter(prefix="/v1/files", tags=["files"])

Model = Annotated[
    str | None,
    Query(
        max_length=512,
        description="Whose tokenizer, template and context count; the default base's if absent.",
    ),
]


@router.get("/{file_id}/report", response_model=FileReport)
async def file_report(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    file_id: str,
    model: Model = None,
    against: Annotated[
        str | None, Query(max_length=128, description="A second file: which rows do both have?")
    ] = None,
) -> Response:
    """Our own: what a job would say of a training file, its tokens, its duplicates.

    Computed once for a file and a base. Ask again while `status` is `in_progress`: faults come first.
    """

    def tasks() -> tuple[str, Inspect, Inspect | None]:
        base = base_of(office, principal, model)
        ours = task_for(office, principal, file_id, base)
        theirs = task_for(office, principal, against, base, "against") if against is not None else None
        return base.id, ours, theirs

    base_id, ours, theirs = await run_in_threadpool(tasks)
    compare = Compare(ours, theirs) if theirs is not None else None
    wanted = (ours, theirs, compare) if theirs is not None and compare is not None else (ours,)
    progress = await waited_for(request, *wanted)
    body = await run_in_threadpool(_body, office, ours, compare if progress is None else None)
    answer = FileReport(
        file_id=file_id,
        model=base_id,
        status="completed" if progress is None else "in_progress",
        progress=report_progress(progress),
        report=body,
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _body(office: Office, task: Inspect, compare: Compare | None) -> ReportBody | None:
    found = known(office, task)
    if found is None:
        return None
    summary = found.summary
    overlap = shared(office.blobs, compare) if compare is not None else None
    return ReportBody(
        format=summary.format,
        n_rows=summary.n_lines,
        problems=[problem_object(problem) for problem in summary.problems],
        n_problems=summary.n_faults + summary.n_refusals,
        warnings=[problem_object(problem_of(fault)) for fault in summary.warnings],
        n_warnings=summary.n_warnings,
        as_training_file=_verdict(summary, "training_file"),
        as_validation_file=_verdict(summary, "validation_file"),
        turns=TurnFacts(
            total=summary.turns.total,
            median=summary.turns.median,
            longest=summary.turns.longest,
            histogram=_bins(summary.turns.histogram),
        ),
        tokens=_tokens(summary.tokens),
        duplicates=_duplicates(found.repeats),
        near_duplicates=_duplicates(found.near_repeats),
        overlap=Overlap(
            against=compare.theirs.file_id,
            n_rows=overlap.n_rows,
            rows=[SharedRow(line=here, against_line=there) for here, there in overlap.pairs],
        )
        if compare is not None and overlap is not None
        else None,
    )


def _verdict(summary: Summary, role: Role) -> Verdict:
    report = summary.report(role)
    if not report.ok:
        return Verdict(ok=False, code=report.code, message=report.message())
    if summary.n_refusals:  # found by the trainer, after the validation
        return Verdict(ok=False, code="invalid_file_format", message=str(summary.refusals[0]))
    return Verdict(ok=True, code=None, message=None)


def _tokens(tokens: Tokens | None) -> TokenFacts | None:
    if tokens is None:
        return None
    return TokenFacts(
        context_length=tokens.context_length,
        total=tokens.total,
        trained=tokens.trained,
        n_rows=tokens.n_rows,
        median=tokens.median,
        p95=tokens.p95,
        longest=tokens.longest,
        histogram=_bins(tokens.histogram),
        n_cut=tokens.n_cut,
        cut_lines=tokens.cut_lines,
        n_without_trained_token=tokens.n_unlearnable,
        lines_without_trained_token=tokens.unlearnable_lines,
    )


def _bins(histogram: list[Bin]) -> list[RowBin]:
    return [RowBin(low=one.low, high=one.high, n_rows=one.n_rows) for one in histogram]


def _duplicates(found: repeats.Repeats | None) -> Duplicates | None:
    if found is None:
        return None
    return Duplicates(n_groups=found.n_groups, n_rows=found.n_rows, groups=found.groups)


def problem_object(problem: Problem) -> FileProblem:
    """The problem as the wire has it."""
    return FileProblem(
        line=problem.line, path=problem.path, code=problem.code, message=problem.message, hint=problem.hint
    )
