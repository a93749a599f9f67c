"""Rows of batches and of their segments: what of a batch must survive.

Outcomes of lines become durable in segments: the bytes are objects (`BatchSegmentRow.output_key`,
`error_key`), written before the row, and the row stands in one transaction with the batch's counts. A line
belongs to the output exactly when a segment's row names it, so bytes without a row are as good as never
written.

Every change of a state goes through `move`, which knows the table of transitions and announces ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy import insert as sql_insert

from tunesmith import ids
from tunesmith.errors import NotFound
from tunesmith.store import files, webhooks
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import BatchRow, BatchSegmentRow, FileRow, Page, from_row, values_of
from tunesmith.store.tables import batch_segments, batches, projects

VALIDATING = "validating"  # its input file is being read, line by line
IN_PROGRESS = "in_progress"  # its lines are being answered
FINALIZING = "finalizing"  # every line has its outcome; the output files are being made
COMPLETED = "completed"  # the output files are there
FAILED = "failed"  # its input could not be used, or is no longer there
EXPIRED = "expired"  # the window was over before every line was answered
CANCELLING = "cancelling"  # somebody asked to stop it; what was answered is being put into files
CANCELLED = "cancelled"  # it was stopped; the output files hold what was answered before

ALLOWED: dict[str, frozenset[str]] = {
    VALIDATING: frozenset({IN_PROGRESS, FAILED, EXPIRED, CANCELLING}),
    IN_PROGRESS: frozenset({FINALIZING, FAILED, EXPIRED, CANCELLING}),  # FAILED: the input's bytes are gone
    FINALIZING: frozenset({COMPLETED, FAILED}),  # FAILED: a segment's bytes are gone
    CANCELLING: frozenset({CANCELLED, FAILED}),
    COMPLETED: frozenset(),
    FAILED: frozenset(),
    EXPIRED: frozenset(),
    CANCELLED: frozenset(),
}
"""Which state may follow which; each has its time in the column `<state>_at`."""
LIVE = frozenset(state for state, following in ALLOWED.items() if following)
TERMINAL = frozenset(ALLOWED) - LIVE


@dataclass(frozen=True)
class Tokens:
    """What answers used, as their bodies say."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )


@dataclass(frozen=True)
class LiveBatch:
    """What the runner asks about every batch that has not ended, again and again."""

    id: str
    project_id: str
    status: str
    expires_at: int
    is_archived: bool
    """Whether its project has been archived."""


def insert(where: Where, row: BatchRow) -> None:
    """Adds a batch."""
    with writing(where) as connection:
        connection.execute(sql_insert(batches).values(values_of(row)))


def get(where: Where, project_id: str, batch_id: str) -> BatchRow:
    """The batch of this project. Raises NotFound."""
    with reading(where) as connection:
        row = connection.execute(
            select(batches).where(batches.c.id == batch_id, batches.c.project_id == project_id)
        ).first()
    if row is None:
        raise NotFound(f"No batch found with id '{batch_id}'.", param="batch_id")
    return from_row(BatchRow, row)


def find(where: Where, batch_id: str) -> BatchRow | None:
    """The batch of whatever project: for the runner."""
    with reading(where) as connection:
        row = connection.execute(select(batches).where(batches.c.id == batch_id)).first()
    return None if row is None else from_row(BatchRow, row)


def list_page(where: Where, project_id: str, *, after: str | None = None, limit: int = 20) -> Page[BatchRow]:
    """Batches of this project, newest first."""
    with reading(where) as connection:
        within = batches.c.project_id == project_id
        return page(connection, BatchRow, batches, within, after=after, limit=limit)


def live(where: Where) -> list[LiveBatch]:
    """Batches of all projects that have not ended, oldest first."""
    with reading(where) as connection:
        query = (
            select(
                batches.c.id,
                batches.c.project_id,
                batches.c.status,
                batches.c.expires_at,
                projects.c.archived_at.is_not(None),
            )
            .join(projects, projects.c.id == batches.c.project_id)
            .where(batches.c.status.in_(LIVE))
            .order_by(batches.c.seq)
        )
        return [LiveBatch(*row) for row in connection.execute(query)]


def pinned(where: Where) -> set[str]:
    """Ids of the input files that batches still read."""
    with reading(where) as connection:
        query = select(batches.c.input_file_id).where(batches.c.status.in_(LIVE))
        return set(connection.execute(query).scalars())


def move(
    where: Where, batch_id: str, to: str, *, expect: Collection[str] = LIVE, **changes: Any
) -> BatchRow | None:
    """Moves a batch to the state `to`, from a state in `expect` from which that is allowed, and notes the
    time.

    Returns the batch as it is now, or None when it was not as expected: then nothing changed.
    """
    sources = [state for state in expect if to in ALLOWED[state]]
    now = ids.now()
    with writing(where) as connection:
        changed = connection.execute(
            update(batches)
            .where(batches.c.id == batch_id, batches.c.status.in_(sources))
            .values({"status": to, f"{to}_at": now, **changes})
        ).rowcount
        if not changed:
            return None
        row = find(connection, batch_id)
        assert row is not None
        if to in TERMINAL:
            webhooks.announce(connection, row.project_id, f"batch.{to}", batch_id, at=now)
        return row


def add_segment(where: Where, segment: BatchSegmentRow, tokens: Tokens) -> None:
    """Makes outcomes durable, whose bytes are stored: they count from now on."""
    with writing(where) as connection:
        connection.execute(sql_insert(batch_segments).values(values_of(segment)))
        connection.execute(
            update(batches)
            .where(batches.c.id == segment.batch_id)
            .values(
                n_completed=batches.c.n_completed + segment.n_completed,
                n_failed=batches.c.n_failed + segment.n_failed,
                input_tokens=batches.c.input_tokens + tokens.input,
                cached_tokens=batches.c.cached_tokens + tokens.cached,
                output_tokens=batches.c.output_tokens + tokens.output,
                reasoning_tokens=batches.c.reasoning_tokens + tokens.reasoning,
            )
        )


def segments(where: Where, batch_id: str) -> list[BatchSegmentRow]:
    """A batch's segments in the order in which they were written."""
    with reading(where) as connection:
        query = (
            select(batch_segments)
            .where(batch_segments.c.batch_id == batch_id)
            .order_by(batch_segments.c.number)
        )
        return [from_row(BatchSegmentRow, row) for row in connection.execute(query)]


def finish(
    where: Where,
    batch_id: str,
    to: str,
    *,
    expect: str,
    made: Iterable[FileRow] = (),
    n_unanswered: int = 0,
    **changes: Any,
) -> BatchRow | None:
    """Ends a batch with the files that were made of its segments, whose rows go.

    `n_unanswered` lines are in the error file without having been in a segment. Returns None, and changes
    nothing, when the batch is no longer in the state `expect`.
    """
    with writing(where) as connection:
        row = move(
            connection,
            batch_id,
            to,
            expect={expect},
            n_failed=batches.c.n_failed + n_unanswered,
            **changes,
        )
        if row is None:
            return None
        for file in made:
            files.insert(connection, file)
        connection.execute(delete(batch_segments).where(batch_segments.c.batch_id == batch_id))
        return row
