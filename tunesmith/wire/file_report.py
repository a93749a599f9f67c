"""What is told of a training file before any job: its report, and its rows as the trainer sees them.

Our own, not OpenAI's.
"""

from __future__ import annotations

from typing import Literal

from tunesmith.wire.base import Response

Phase = Literal["waiting", "checking", "counting", "comparing"]
RowFormat = Literal["chat", "completion", "preference"]


class InspectionProgress(Response):
    """How far the look at a large file has come."""

    phase: Phase
    """`checking` looks for faults, `counting` counts tokens, `comparing` looks for rows in another file."""
    lines_done: int
    lines_total: int | None


class FileProblem(Response):
    """One thing that is wrong with a row, or probably not meant."""

    line: int
    """Physical line of the file, from 1."""
    path: str | None
    """Such as `messages[2].content`; null for the line as a whole."""
    code: str
    """What kind of problem it is: for programs. `docs/reference/console-calls.md` lists them."""
    message: str
    hint: str
    """What to do about it."""


class RowBin(Response):
    """Rows of at least `low` and fewer than `high` tokens, or turns."""

    low: int
    high: int
    n_rows: int


class TokenFacts(Response):
    """What the model's tokenizer and template make of the rows, cut at its context."""

    context_length: int
    total: int
    """In one epoch, of the rows that are trained on."""
    trained: int
    """Those of them that are under the loss."""
    n_rows: int
    """Rows that are trained on."""
    median: int
    p95: int
    longest: int
    """Tokens of rows before the cut; of a preference row its longer reply's."""
    histogram: list[RowBin]
    """Rows by their tokens before the cut."""
    n_cut: int
    """Rows longer than the context: their end is never seen."""
    cut_lines: list[int]
    """The first of them."""
    n_without_trained_token: int
    """Rows that teach nothing, and are left out."""
    lines_without_trained_token: list[int]


class TurnFacts(Response):
    """How many messages the sound rows have; of a preference row one of its replies counts."""

    total: int
    median: int
    longest: int
    histogram: list[RowBin]


class Duplicates(Response):
    """Rows that stand in the file more than once."""

    n_groups: int
    n_rows: int
    """Rows that repeat an earlier one."""
    groups: list[list[int]]
    """Lines of the first groups."""


class SharedRow(Response):
    """A row that both files have."""

    line: int
    against_line: int


class Overlap(Response):
    """Rows that stand in another file too."""

    against: str
    """The other file's id."""
    n_rows: int
    rows: list[SharedRow]
    """The first of them."""


class Verdict(Response):
    """What a job would say of the file."""

    ok: bool
    code: str | None
    message: str | None


class ReportBody(Response):
    """All that is known of the file, or so far."""

    format: RowFormat | None
    """The kind of its rows; null when no row has one."""
    n_rows: int
    """Lines that are not blank."""
    problems: list[FileProblem]
    """What would stop a job: the first thousand, by line."""
    n_problems: int
    warnings: list[FileProblem]
    n_warnings: int
    as_training_file: Verdict
    as_validation_file: Verdict
    turns: TurnFacts
    tokens: TokenFacts | None
    """Null while they are being counted."""
    duplicates: Duplicates | None
    near_duplicates: Duplicates | None
    """Rows whose letters and digits are the same in one case, whatever stands between them; of rows that are
    the same to the letter only the first counts."""
    overlap: Overlap | None
    """Null unless `against` was asked for, and until it is known."""


class FileReport(Response):
    """The answer to `GET /files/{id}/report`."""

    object: Literal["file.report"] = "file.report"
    file_id: str
    model: str
    """The base that the tokens are counted for."""
    status: Literal["in_progress", "completed"]
    """Ask again while it is `in_progress`."""
    progress: InspectionProgress | None
    report: ReportBody | None
    """Null while nothing is known; without tokens while they are being counted."""


class TokenRun(Response):
    """Tokens side by side that share a role and a fate."""

    text: str | None
    """Null where the run begins or ends inside a character."""
    bytes: str | None
    """Then its bytes, in base64."""
    role: str | None
    """Of the message that they belong to, the template's own marks included."""
    trained: bool
    """Under the loss."""
    cut: bool
    """Behind the context's end: the model never sees them."""
    n_tokens: int
    token_bytes: list[int] | None
    """Bytes of each token; null unless `boundaries` was asked for."""


class RenderedReply(Response):
    """One rendering of a row."""

    kind: Literal["preferred", "non_preferred"] | None
    """Which reply of a preference row; null for other rows."""
    n_tokens: int
    n_trained: int
    n_cut: int
    """Tokens behind the cut, of which the first are shown."""
    runs: list[TokenRun]


class FileRow(Response):
    """One row of a training file."""

    line: int
    size_bytes: int
    n_tokens: int
    """After the cut; both replies of a preference row together."""
    n_trained: int
    cut: bool
    problems: list[FileProblem]
    warnings: list[FileProblem]
    text: str | None
    """The beginning of the line as it stands in the file, where it has a problem or is too long to show."""
    replies: list[RenderedReply]
    """Two for a preference row; none for a row that has a problem or is too long to show."""


class FileRows(Response):
    """The answer to `GET /files/{id}/rows`."""

    object: Literal["list"] = "list"
    file_id: str
    model: str
    context_length: int
    status: Literal["in_progress", "completed"]
    """While it is `in_progress` there may be no rows yet."""
    progress: InspectionProgress | None
    data: list[FileRow]
    has_more: bool
    last_line: int | None
    """What to send as `after_line` for the next page."""
