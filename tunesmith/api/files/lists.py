"""What a list of files can be asked beyond OpenAI's own: what is known of each, and how many jobs use it.

Nothing is looked at for a list: it tells what reports have found before, in one query for all of its files.
Without `include` the list is OpenAI's, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Query

from tunesmith.api.files.inspected import report_progress
from tunesmith.api.office import Office
from tunesmith.data.base import Base
from tunesmith.jobs.inspecting import Inspect, look_for
from tunesmith.jobs.inspections import Inspections
from tunesmith.store import file_facts
from tunesmith.store.file_facts import FileFacts
from tunesmith.store.rows import FileRow
from tunesmith.wire.files import FileBrief

Include = Annotated[
    Literal["report"] | None,
    Query(
        description="Our own: `report` adds to each training file what is known of it for the default base: "
        "rows, tokens, problems; and how many jobs use it."
    ),
]

TRAINING = "fine-tune"
METHODS = {"chat": "supervised", "completion": "supervised", "preference": "dpo"}


def briefs(
    office: Office, inspections: Inspections, project_id: str, rows: Sequence[FileRow]
) -> dict[str, FileBrief]:
    """What is known of the training files among these, by their ids."""
    base = office.catalog.default
    wanted = [row for row in rows if row.purpose == TRAINING]
    ids = [row.id for row in wanted]
    known = file_facts.known(office.db, ids, look_for(base.digest, base.context_length))
    n_jobs = file_facts.n_jobs(office.db, project_id, ids)
    return {
        row.id: _brief(row, base, known.get(row.id), n_jobs.get(row.id, 0), inspections) for row in wanted
    }


def _brief(
    row: FileRow, base: Base, facts: FileFacts | None, n_jobs: int, inspections: Inspections
) -> FileBrief:
    if facts is None:
        progress = inspections.progress(Inspect.of(row, base).result)
        return FileBrief(
            status="unknown" if progress is None else "in_progress",
            progress=report_progress(progress),
            model=base.id,
            n_jobs=n_jobs,
        )
    return FileBrief(
        status="completed",
        model=base.id,
        n_jobs=n_jobs,
        format=facts.row_format,  # type: ignore[arg-type]
        method=METHODS.get(facts.row_format or ""),  # type: ignore[arg-type]
        n_rows=facts.n_rows,
        n_problems=facts.n_problems,
        n_warnings=facts.n_warnings,
        code=facts.code,
        tokens=facts.tokens,
        trained_tokens=facts.trained_tokens,
        n_cut=facts.n_cut,
    )
