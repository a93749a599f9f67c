"""A JSONL file becomes rendered rows in memory: token ids, loss weights, and the line they came from.

Reading and rendering are `data/`'s; cutting at the maximum length and leaving out what teaches nothing
is done here, and said in warnings that name the lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from tunesmith.data.chat_template import Renderer
from tunesmith.data.examples import PreferenceExample
from tunesmith.data.jsonl import read_examples
from tunesmith.errors import InvalidTrainingFile
from tunesmith.train.events import Warned

_LINES_NAMED = 20


class Row(NamedTuple):
    """One rendered example."""

    input_ids: torch.Tensor
    """int64 [n]."""
    weights: torch.Tensor
    """float32 [n]: loss weight of each token as a target; 0 is not trained on. The first is always 0."""
    line: int
    """Physical line in the file, from 1."""

    @property
    def n_tokens(self) -> int:
        """Rendered tokens, those after the last target included."""
        return len(self.input_ids)

    @property
    def n_targets(self) -> int:
        """Tokens under the loss."""
        return int(self.weights.count_nonzero())


@dataclass(frozen=True)
class RowFile:
    """All usable rows of a file."""

    rows: list[Row]
    warnings: list[Warned]

    @property
    def n_tokens(self) -> int:
        """Rendered tokens of all rows."""
        return sum(row.n_tokens for row in self.rows)

    @property
    def n_targets(self) -> int:
        """Tokens under the loss of all rows."""
        return sum(row.n_targets for row in self.rows)


def read_rows(path: Path, renderer: Renderer, *, max_length: int, param: str = "training_file") -> RowFile:
    """Renders every example of a validated file and cuts it after `max_length` tokens.

    Raises InvalidTrainingFile, with `param`, when no example has a token to learn.
    """
    rows: list[Row] = []
    cut: dict[int, int] = {}
    empty: list[int] = []
    for example in read_examples(path):
        if isinstance(example, PreferenceExample):
            raise InvalidTrainingFile(
                f"Line {example.line} is a preference pair; supervised training needs messages, or prompt "
                "and completion",
                param=param,
            )
        try:
            rendered = renderer.example(example)
        except InvalidTrainingFile as error:  # the template refuses the row; the message names its line
            error.param = param
            raise
        input_ids = torch.tensor(rendered.input_ids[:max_length], dtype=torch.int64)
        weights = torch.tensor(rendered.weights[:max_length], dtype=torch.float32)
        weights[:1] = 0  # nothing stands before the first token from which it could be predicted
        if len(rendered.input_ids) > max_length:
            cut[example.line] = len(rendered.input_ids)
        if weights.any():
            rows.append(Row(input_ids, weights, example.line))
        else:
            empty.append(example.line)
    if not rows:
        raise InvalidTrainingFile(
            f"No example of the {param.replace('_', ' ')} has a token to learn within {max_length} tokens; "
            "shorten the prompts, or give at least one assistant message weight 1",
            param=param,
        )
    return RowFile(rows, list(_warnings(cut, empty, max_length, param)))


def _warnings(cut: dict[int, int], empty: list[int], max_length: int, param: str) -> Iterable[Warned]:
    name = param.replace("_", " ")
    if cut:
        lengths = [f"{line} ({tokens:,} tokens)" for line, tokens in cut.items()]
        yield Warned(
            code="truncated",
            message=f"{_count(len(cut))} of the {name} longer than {max_length:,} tokens cut at the end: "
            f"{_lines(lengths)}",
            data={"param": param, "n": len(cut), "max_length": max_length, "lines": list(cut)[:_LINES_NAMED]},
        )
    if empty:
        yield Warned(
            code="no_target_tokens",
            message=f"{_count(len(empty))} of the {name} left out, because no token of it is under the loss"
            f"{' after the cut' if cut else ''}: {_lines([str(line) for line in empty])}",
            data={"param": param, "n": len(empty), "lines": empty[:_LINES_NAMED]},
        )


def _count(n: int) -> str:
    return "1 example" if n == 1 else f"{n:,} examples"


def _lines(names: list[str]) -> str:
    more = f" and {len(names) - _LINES_NAMED:,} more" if len(names) > _LINES_NAMED else ""
    return f"line{'s' if len(names) > 1 else ''} {', '.join(names[:_LINES_NAMED])}{more}"
