"""A training file looked at whole, for one base: what is wrong with it, how many tokens its rows have, and
which of them would be trained on.

One pass at constant memory. The checks are those of a job's validation (`data.jsonl`), the tokens and weights
those of the trainer's renderer (`data.chat_template`), so what is told here is what a job would do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tunesmith.data import repeats
from tunesmith.data.chat_template import Renderer
from tunesmith.data.examples import Format, PreferenceExample, from_row, n_turns
from tunesmith.data.fault_codes import FaultCode, code_of
from tunesmith.data.histogram import Bin, bins, quantile
from tunesmith.data.jsonl import JudgedLine, judged
from tunesmith.data.report import Fault, Findings, Report, Role
from tunesmith.data.row_index import CUT, FAULTY, UNLEARNABLE, IndexedRow
from tunesmith.errors import InvalidTrainingFile

#: Problems of each kind that are kept in full.
KEPT = 1000
#: Lines named of the rows that are cut, and of those that teach nothing.
LINES_NAMED = 100


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or probably not meant: where, what, and what to do about it."""

    line: int
    path: str | None
    """Such as `messages[2].content`; None for the line as a whole."""
    code: FaultCode
    message: str
    hint: str


@dataclass(frozen=True)
class Tokens:
    """What a base makes of the rows, cut at its context."""

    total: int
    """Of the rows that are trained on, in one epoch."""
    trained: int
    """Those of them that are under the loss."""
    n_rows: int
    """Rows that are trained on."""
    longest: int
    """Tokens of the longest row before the cut."""
    median: int
    p95: int
    context_length: int
    histogram: list[Bin]
    """Rows by their tokens before the cut; of a preference row the longer reply counts."""
    n_cut: int
    cut_lines: list[int]
    n_unlearnable: int
    """Rows without a token under the loss, which are left out."""
    unlearnable_lines: list[int]


@dataclass(frozen=True)
class Turns:
    """How many messages the sound rows have; of a preference row one of its replies counts."""

    total: int
    median: int
    longest: int
    histogram: list[Bin]


@dataclass(frozen=True)
class Summary:
    """All that is told of a file besides its rows."""

    n_lines: int
    """Lines that are not blank."""
    last_line: int
    """Physical number of the last of them."""
    format: Format | None
    format_line: int
    """The line that decided the format; 0 when none has."""
    faults: list[Fault]
    n_faults: int
    warnings: list[Fault]
    n_warnings: int
    refusals: list[Fault]
    """Rows that are sound and that the base's template does not take."""
    n_refusals: int
    turns: Turns
    tokens: Tokens | None
    """None where the rows were checked only."""

    def report(self, role: Role) -> Report:
        """What a job would be told of it in this role."""
        return Report(
            role=role,
            n_examples=self.n_lines,
            format=self.format,
            faults=tuple(self.faults[:20]),
            n_faults=self.n_faults,
            warnings=tuple(self.warnings[:20]),
            n_warnings=self.n_warnings,
        )

    @property
    def problems(self) -> list[Problem]:
        """What stops a job, by line."""
        refused = [problem_of(fault, "template_refuses") for fault in self.refusals]
        return sorted([*map(problem_of, self.faults), *refused], key=lambda problem: problem.line)[:KEPT]

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Summary:
        """The inverse of `as_dict`."""
        tokens, turns = value["tokens"], Turns(**_with_bins(value["turns"]))
        tokens = tokens and Tokens(**_with_bins(tokens))
        faults = {name: [Fault(**one) for one in value[name]] for name in ("faults", "warnings", "refusals")}
        return cls(**{**value, **faults, "turns": turns, "tokens": tokens})


def _with_bins(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "histogram": [Bin(**one) for one in value["histogram"]]}


@dataclass(frozen=True)
class InspectedRow:
    """One row, and the record of its content; without one when it is faulty or only checked."""

    row: IndexedRow
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a base makes of one sound row."""

    longest: int
    """Tokens before the cut; of a preference row its longer reply's."""
    n_tokens: int
    """After the cut; both replies of a preference row together."""
    n_trained: int
    is_learnable: bool
    """Each of its replies has a token under the loss."""
    refused: str | None = None
    """What the template says against it."""


Measuring = Callable[[Iterable[JudgedLine]], Iterator[tuple[JudgedLine, Measurement | None]]]
"""Measures the sound ones of the lines, in their order."""


def measure(row: dict[str, Any], renderer: Renderer, *, context_length: int) -> Measurement:
    """What the trainer would make of a sound row."""
    example = from_row(row, 1)
    try:
        rendered = (
            renderer.pair(example) if isinstance(example, PreferenceExample) else (renderer.example(example),)
        )
    except InvalidTrainingFile as error:
        return Measurement(0, 0, 0, False, error.message.removeprefix("Line 1: "))
    cut = [one.cut(context_length) for one in rendered]
    return Measurement(
        longest=max(len(one.input_ids) for one in rendered),
        n_tokens=sum(len(one.input_ids) for one in cut),
        n_trained=sum(one.n_supervised for one in cut),
        is_learnable=all(one.n_supervised for one in cut),
    )


@dataclass
class _Lines:
    """Some rows: how many, and the first of them."""

    n: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        self.n += 1
        if len(self.first) < LINES_NAMED:
            self.first.append(line)


@dataclass
class Inspection:
    """A look at one file, from its first line to its last."""

    renderer: Renderer | None
    """None: the rows are checked only, which is many times faster."""
    context_length: int
    _findings: Findings = field(default_factory=lambda: Findings("training_file", kept=KEPT))
    _refusals: list[Fault] = field(default_factory=list)
    _n_refusals: int = 0
    _lengths: Counter[int] = field(default_factory=Counter)
    _turns: Counter[int] = field(default_factory=Counter)
    _n_rows: int = 0
    _total: int = 0
    _trained: int = 0
    _marked: dict[int, _Lines] = field(default_factory=lambda: {CUT: _Lines(), UNLEARNABLE: _Lines()})
    _last_line: int = 0

    def rows(self, chunks: Iterable[bytes], measured: Measuring | None = None) -> Iterator[InspectedRow]:
        """Every row as soon as it is known; to be read to the end before `summary`.

        `measured`: another way to measure the rows, in the same order; one by one here if None.
        """
        for line, measurement in (measured or self._measured)(judged(chunks, self._findings)):
            self._last_line = line.number
            digest = None
            if line.row is not None:
                self._turns[n_turns(line.row)] += 1
                if self.renderer is not None:  # only then somebody keeps it
                    digest = repeats.record(line.number, line.row)
            n_tokens = n_trained = 0
            flags = FAULTY if line.row is None else 0
            if measurement is not None:
                n_tokens, n_trained = measurement.n_tokens, measurement.n_trained
                flags = self._counted(measurement, line.number)
            yield InspectedRow(
                IndexedRow(line.number, line.offset_bytes, line.size_bytes, n_tokens, n_trained, flags),
                digest,
            )

    def _measured(self, lines: Iterable[JudgedLine]) -> Iterator[tuple[JudgedLine, Measurement | None]]:
        for line in lines:
            if line.row is None or self.renderer is None:
                yield line, None
            else:
                yield line, measure(line.row, self.renderer, context_length=self.context_length)

    def _counted(self, row: Measurement, line: int) -> int:
        """Adds a sound row to the sums; gives its flags."""
        if row.refused is not None:
            self._n_refusals += 1
            if len(self._refusals) < KEPT:
                self._refusals.append(refusal(row.refused, line))
            return FAULTY
        self._lengths[row.longest] += 1
        flags = CUT if row.longest > self.context_length else 0
        if row.is_learnable:
            self._n_rows += 1
            self._total += row.n_tokens
            self._trained += row.n_trained
        else:
            flags |= UNLEARNABLE
        for flag, lines in self._marked.items():
            if flags & flag:
                lines.add(line)
        return flags

    def summary(self) -> Summary:
        """The whole file."""
        report = self._findings.report()
        return Summary(
            n_lines=report.n_examples,
            last_line=self._last_line,
            format=report.format,
            format_line=self._findings.format_line,
            faults=list(report.faults),
            n_faults=report.n_faults,
            warnings=list(report.warnings),
            n_warnings=report.n_warnings,
            refusals=self._refusals,
            n_refusals=self._n_refusals,
            turns=Turns(
                total=sum(n * rows for n, rows in self._turns.items()),
                median=quantile(self._turns, 0.5),
                longest=max(self._turns, default=0),
                histogram=bins(self._turns),
            ),
            tokens=None if self.renderer is None else self._tokens(),
        )

    def _tokens(self) -> Tokens:
        return Tokens(
            total=self._total,
            trained=self._trained,
            n_rows=self._n_rows,
            longest=max(self._lengths, default=0),
            median=quantile(self._lengths, 0.5),
            p95=quantile(self._lengths, 0.95),
            context_length=self.context_length,
            histogram=bins(self._lengths),
            n_cut=self._marked[CUT].n,
            cut_lines=self._marked[CUT].first,
            n_unlearnable=self._marked[UNLEARNABLE].n,
            unlearnable_lines=self._marked[UNLEARNABLE].first,
        )


def faults_of_line(
    content: bytes, place: IndexedRow, summary: Summary
) -> tuple[list[Fault], list[Fault], dict[str, Any] | None]:
    """The faults and warnings of one line of a file that was inspected, and its row when it is sound."""
    findings = Findings("training_file", kept=KEPT, format=summary.format, format_line=summary.format_line)
    # what follows keeps the line from being told as the file's last, which may be torn
    chunks = [content] if place.line == summary.last_line else [content, b"\n{}"]
    lines = judged(chunks, findings, first_line=place.line, offset_bytes=place.offset_bytes)
    judgement = next(lines, None)
    report = findings.report()
    return list(report.faults), list(report.warnings), judgement.row if judgement is not None else None


def refusal(sentence: str, line: int) -> Fault:
    """What the template says against a row, as a fault."""
    return Fault(line, None, sentence, "change the row, or choose another base model")


def problem_of(fault: Fault, code: FaultCode | None = None) -> Problem:
    """The fault with its code."""
    message = f"{fault.field} {fault.problem}" if fault.field else fault.problem
    return Problem(fault.line, fault.field, code or code_of(fault), message, fault.remedy)
