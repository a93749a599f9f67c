"""What validation found in a training file: faults that stop a job, warnings that do not, and the sentence
for both.

Counts are complete; of the texts only the first are kept, so a report stays small whatever the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tunesmith.data.examples import Format

Role = Literal["training_file", "validation_file"]

#: Faults and warnings that are kept in full.
KEPT = 20
#: Examples that a file must have, by its role in the job.
MIN_EXAMPLES: dict[Role, int] = {"training_file": 10, "validation_file": 1}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, what, and what to do about it."""

    line: int
    """Physical line, from 1."""
    field: str | None
    """Path such as `messages[2].content`; None for the line as a whole."""
    problem: str
    """A clause whose subject is the field, or a whole clause when there is no field."""
    remedy: str

    def __str__(self) -> str:
        where = f"{self.field} " if self.field else ""
        return f"Line {self.line}: {where}{self.problem}; {self.remedy}"


@dataclass(frozen=True)
class Report:
    """The verdict on one file."""

    role: Role
    n_examples: int
    """Lines that are not blank."""
    format: Format | None
    """The kind of the first row that has one; None when no row has."""
    faults: tuple[Fault, ...] = ()
    """The first twenty."""
    n_faults: int = 0
    warnings: tuple[Fault, ...] = ()
    """The first twenty."""
    n_warnings: int = 0

    @property
    def ok(self) -> bool:
        """Whether a job may train on the file."""
        return self.code is None

    @property
    def code(self) -> str | None:
        """OpenAI's error code for the job, None when all is well."""
        if self.n_faults:
            return "invalid_file_format"
        return "invalid_n_examples" if self.n_examples < MIN_EXAMPLES[self.role] else None

    def message(self) -> str:
        """The job's error: one sentence, then a line for each fault; empty when all is well."""
        if self.n_faults:
            file = self.role.replace("_", " ")
            head = f"The job failed due to a file format error in the {file}. "
            return head + "\n".join([*map(str, self.faults), *_more(self.n_faults - len(self.faults))])
        if self.n_examples < MIN_EXAMPLES[self.role]:
            file = self.role.replace("_", " ").capitalize()
            least = MIN_EXAMPLES[self.role]
            examples = "example" if least == 1 else "examples"
            return f"{file} has {self.n_examples} example(s), but must have at least {least} {examples}"
        return ""


@dataclass
class Findings:
    """A report in the making; `at(line)` sets where the next findings are."""

    role: Role
    kept: int = KEPT
    """How many faults, and how many warnings, are kept in full."""
    line: int = 0
    n_examples: int = 0
    format: Format | None = None
    format_line: int = 0
    n_faults: int = 0
    n_warnings: int = 0
    sound_tools: list[Any] | None = None
    """The tools that were last found sound, so that equal ones need no second look."""
    _faults: list[Fault] = field(default_factory=list)
    _warnings: list[Fault] = field(default_factory=list)

    def fault(self, field: str | None, problem: str, remedy: str) -> None:
        """Something that keeps the row from being learnt as it is meant."""
        self.n_faults += 1
        if len(self._faults) < self.kept:
            self._faults.append(Fault(self.line, field, problem, remedy))

    def warn(self, field: str | None, problem: str, remedy: str, *, line: int | None = None) -> None:
        """Something that can be trained on but is probably not meant."""
        self.n_warnings += 1
        if len(self._warnings) < self.kept:
            self._warnings.append(Fault(self.line if line is None else line, field, problem, remedy))

    def report(self) -> Report:
        """The verdict so far."""
        return Report(
            role=self.role,
            n_examples=self.n_examples,
            format=self.format,
            faults=tuple(self._faults),
            n_faults=self.n_faults,
            warnings=tuple(self._warnings),
            n_warnings=self.n_warnings,
        )


def _more(n: int) -> Sequence[str]:
    return [f"… and {n:,} more"] if n > 0 else []
