"""What looks at training files have found, in a few numbers a file: enough for a list.

The whole report is an object beside the file (`jobs/inspecting.py`); a list of fifty files is one query here.
A row is written once for a file and a base, and goes with the file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import insert, select

from tunesmith.store.database import Database, Where, reading
from tunesmith.store.tables import file_facts, files, jobs

#: Seconds that a note of what was found waits for another writer: who looks is not kept for it.
WRITER_WAIT_S = 0.1


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """One file, for one base."""

    file_id: str
    look: str
    """For which base, and by which version of the code: a part of the report's key."""
    row_format: str | None
    """`chat`, `completion` or `preference`; None when no row has a kind."""
    n_rows: int
    n_problems: int
    """What stops a job."""
    n_warnings: int
    code: str | None
    """The error code that a job with this training file would end with; None for a file that a job takes."""
    tokens: int
    """Of the rows that are trained on, in one epoch."""
    trained_tokens: int
    n_cut: int
    """Rows that are longer than the base's context."""


_NAMES = [field.name for field in fields(FileFacts)]


def known(where: Where, file_ids: Collection[str], look: str) -> dict[str, FileFacts]:
    """What is known of these files, by their ids; one query whatever their number."""
    query = select(*(file_facts.c[name] for name in _NAMES)).where(
        file_facts.c.file_id.in_(file_ids), file_facts.c.look == look
    )
    with reading(where) as connection:
        return {row.file_id: FileFacts(**row._mapping) for row in connection.execute(query)}


def remember(db: Database, facts: FileFacts) -> None:
    """Keeps what was found, unless it is known or the file is gone. Does not wait long for another writer."""
    if known(db, [facts.file_id], facts.look):
        return
    with db.write(wait_s=WRITER_WAIT_S) as connection:
        there = connection.execute(select(files.c.id).where(files.c.id == facts.file_id)).first()
        if there is not None and not known(connection, [facts.file_id], facts.look):
            values: dict[str, Any] = {name: getattr(facts, name) for name in _NAMES}
            connection.execute(insert(file_facts).values(values))


def n_jobs(where: Where, project_id: str, file_ids: Collection[str]) -> dict[str, int]:
    """How many jobs of the project have each of these files as training or validation data; files without
    any are left out."""
    counts: dict[str, set[str]] = {}
    with reading(where) as connection:
        for column in (jobs.c.training_file, jobs.c.validation_file):
            query = select(column, jobs.c.id).where(column.in_(file_ids), jobs.c.project_id == project_id)
            for file_id, job_id in connection.execute(query):
                counts.setdefault(file_id, set()).add(job_id)
    return {file_id: len(job_ids) for file_id, job_ids in counts.items()}
