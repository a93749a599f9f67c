"""`GET /v1/files/{id}/rows`: rows of a training file as the trainer sees them, in runs of tokens.

Our own call. A page is found by the index that the inspection of the file has left, so it costs the same
wherever it is.
"""

from __future__ import annotations

import base64
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Caller
from tunesmith.api.files.inspected import base_of, report_progress, task_for, waited_for
from tunesmith.api.files.report import Model, problem_object
from tunesmith.api.office import Office, OfficeDep
from tunesmith.data import row_index
from tunesmith.data.base import Base
from tunesmith.data.chat_template import Renderer
from tunesmith.data.examples import from_row
from tunesmith.data.inspection import Problem, Summary, faults_of_line, problem_of, refusal
from tunesmith.data.jsonl import judged
from tunesmith.data.report import Findings
from tunesmith.data.row_index import CUT, IndexedRow
from tunesmith.data.token_runs import Reply, Run, replies
from tunesmith.errors import InvalidRequest, InvalidTrainingFile
from tunesmith.jobs.inspecting import Inspect, inspected
from tunesmith.store.blobs import ObjectMissing
from tunesmith.wire import limits
from tunesmith.wire.file_report import FileRow, FileRows, RenderedReply, TokenRun

router = APIRouter(prefix="/v1/files", tags=["files"])

MAX_SHOWN_LINE_BYTES = 256 * 1024
"""A longer row is told with the beginning of its text alone."""
MAX_PAGE_BYTES = 2 * 1024 * 1024
"""Bytes of the lines of one page; a page of long rows ends early."""
PAGE_CPU_S = 1.0
"""Processor time of one page: one that has taken it ends with the row at hand."""
MAX_TEXT_CHARS = 4000
MAX_WITHOUT_INDEX_BYTES = 8 * 1024 * 1024
"""How far into a file pages reach while its index is still being made."""


@router.get("/{file_id}/rows", response_model=FileRows)
async def file_rows(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    file_id: str,
    model: Model = None,
    after_line: Annotated[int, Query(ge=0, le=2**32 - 1, description="`last_line` of the page before.")] = 0,
    before_line: Annotated[
        int | None, Query(ge=1, le=2**32 - 1, description="Line of the first row of the page behind.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=limits.MAX_FILE_ROWS_PER_PAGE)] = limits.DEFAULT_FILE_ROWS_PER_PAGE,
    only: Annotated[
        Literal["errors", "cut"] | None,
        Query(description="Only rows with a problem, or only rows longer than the context."),
    ] = None,
    boundaries: Annotated[bool, Query(description="Say how many bytes each token has.")] = False,
) -> Response:
    """Our own: rows as runs of tokens, each with its role, and whether it is trained on or cut off.

    The tokens and weights are the trainer's. Ask again while `status` is `in_progress` and `data` is empty.
    """
    if after_line and before_line is not None:
        raise InvalidRequest(
            "after_line asks for the rows behind a line, before_line for those before one; send one of the "
            "two.",
            param="before_line",
        )
    place = _Place(after_line, before_line, limit)

    def first() -> tuple[Base, Inspect]:
        base = base_of(office, principal, model)
        return base, task_for(office, principal, file_id, base)

    base, task = await run_in_threadpool(first)
    progress = await waited_for(request, task)

    def read() -> tuple[list[FileRow], bool]:
        found = inspected(office.blobs, task)
        if found is None:
            return [], False
        if progress is None:
            rows, has_more = _indexed(office, task, only, place)
        elif only is None:
            rows, has_more = _from_the_start(office, task, place)
        else:
            return [], False
        backwards = before_line is not None
        bounded, left_out = _bounded(rows, from_the_end=backwards)
        shown = _Shown(office, task, base, found.summary, boundaries)
        until_s = time.thread_time() + PAGE_CPU_S
        page: deque[FileRow] = deque()
        for row in reversed(bounded) if backwards else bounded:
            (page.appendleft if backwards else page.append)(shown.row(row))
            if time.thread_time() > until_s:
                break
        return [*page], has_more or left_out or len(page) < len(bounded)

    data, has_more = await run_in_threadpool(read)
    answer = FileRows(
        file_id=file_id,
        model=base.id,
        context_length=base.context_length,
        status="completed" if progress is None else "in_progress",
        progress=report_progress(progress),
        data=data,
        has_more=has_more,
        last_line=data[-1].line if data else None,
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@dataclass(frozen=True)
class _Place:
    """Which rows of a file: those behind a line, or right before one."""

    after_line: int
    before_line: int | None
    limit: int


def _indexed(office: Office, task: Inspect, only: str | None, place: _Place) -> tuple[list[IndexedRow], bool]:
    key = f"{task.prefix}/{only or 'rows'}"

    def read(start: int, end: int) -> bytes:
        return b"".join(office.blobs.stream(key, start, end))

    return row_index.page(read, office.blobs.size_bytes(key), **asdict(place))


def _from_the_start(office: Office, task: Inspect, place: _Place) -> tuple[list[IndexedRow], bool]:
    """Without the index: the first pages, while a large file is being counted."""
    end = min(task.size_bytes, MAX_WITHOUT_INDEX_BYTES)
    rows: deque[IndexedRow] = deque()
    left_out = False
    for line in judged(office.blobs.stream(task.object_key, 0, end), Findings("training_file")):
        if place.before_line is not None and line.number >= place.before_line:
            return list(rows), left_out
        if line.number > place.after_line:
            rows.append(IndexedRow(line.number, line.offset_bytes, line.size_bytes, 0, 0, 0))
        if len(rows) > place.limit:
            if place.before_line is None:
                return list(rows)[: place.limit], True
            rows.popleft()
            left_out = True
    return list(rows)[:-1], left_out  # the last line may be torn by the bound


def _bounded(rows: list[IndexedRow], *, from_the_end: bool) -> tuple[list[IndexedRow], bool]:
    """The rows that fit one page, at least one, and whether some were left out."""
    total_bytes = 0
    for n, row in enumerate(reversed(rows) if from_the_end else rows):
        total_bytes += min(row.size_bytes, MAX_SHOWN_LINE_BYTES)
        if n and total_bytes > MAX_PAGE_BYTES:
            return rows[-n:] if from_the_end else rows[:n], True
    return rows, False


class _Shown:
    """Rows of one file for one base, as the wire has them."""

    def __init__(self, office: Office, task: Inspect, base: Base, summary: Summary, boundaries: bool) -> None:
        self._office = office
        self._task = task
        self._base = base
        self._summary = summary
        self._boundaries = boundaries

    def row(self, row: IndexedRow) -> FileRow:
        """One row, read from the file by its place."""
        is_long = row.size_bytes > MAX_SHOWN_LINE_BYTES
        size_bytes = MAX_TEXT_CHARS * 4 if is_long else row.size_bytes
        start = row.offset_bytes
        try:
            content = b"".join(self._office.blobs.stream(self._task.object_key, start, start + size_bytes))
        except ObjectMissing:  # deleted while we answer
            content = b""
        problems: list[Problem] = []
        warnings: list[Problem] = []
        rendered: list[Reply] = []
        if is_long:
            problems = [problem for problem in self._summary.problems if problem.line == row.line]
        else:
            faults, told, sound = faults_of_line(content, row, self._summary)
            problems, warnings = [*map(problem_of, faults)], [*map(problem_of, told)]
            if sound is not None:
                try:
                    rendered = replies(
                        from_row(sound, row.line),
                        Renderer.load(self._base.path),
                        context_length=self._base.context_length,
                    )
                except InvalidTrainingFile as error:
                    sentence = error.message.removeprefix(f"Line {row.line}: ")
                    problems.append(problem_of(refusal(sentence, row.line), "template_refuses"))
        text = None if rendered else content.decode("utf-8", "replace")[:MAX_TEXT_CHARS]
        return FileRow(
            line=row.line,
            size_bytes=row.size_bytes,
            n_tokens=row.n_tokens if is_long else sum(reply.n_tokens for reply in rendered),
            n_trained=row.n_trained if is_long else sum(reply.n_trained for reply in rendered),
            cut=bool(row.flags & CUT) or any(reply.n_cut for reply in rendered),
            problems=[problem_object(problem) for problem in problems],
            warnings=[problem_object(problem) for problem in warnings],
            text=text,
            replies=list(self._replies(rendered)),
        )

    def _replies(self, rendered: list[Reply]) -> Iterator[RenderedReply]:
        kinds = ("preferred", "non_preferred") if len(rendered) == 2 else (None,)
        for kind, reply in zip(kinds, rendered, strict=False):
            yield RenderedReply(
                kind=kind,  # type: ignore[arg-type]
                n_tokens=reply.n_tokens,
                n_trained=reply.n_trained,
                n_cut=reply.n_cut,
                runs=[self._run(run) for run in reply.runs],
            )

    def _run(self, run: Run) -> TokenRun:
        try:
            text, encoded = run.bytes.decode("utf-8"), None
        except UnicodeDecodeError:
            text, encoded = None, base64.b64encode(run.bytes).decode()
        return TokenRun(
            text=text,
            bytes=encoded,
            role=run.role,
            trained=run.trained,
            cut=run.cut,
            n_tokens=len(run.token_bytes),
            token_bytes=run.token_bytes if self._boundaries else None,
        )
