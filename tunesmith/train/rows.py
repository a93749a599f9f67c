"""A JSONL file becomes rendered examples in memory: token ids, loss weights, and the line they came from.

Reading and rendering are `data/`'s; cutting at the maximum length and leaving out what teaches nothing
is done here, and said in warnings that name the lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from tunesmith.data.chat_template import Rendered, Renderer
from tunesmith.data.examples import PreferenceExample
from tunesmith.data.hyperparameters import Method
from tunesmith.data.jsonl import read_examples
from tunesmith.errors import InvalidTrainingFile
from tunesmith.model.packed.row import Row
from tunesmith.train.events import Warned

_LINES_NAMED = 20


class Pair(NamedTuple):
    """Two replies to one prompt, of which the first was preferred."""

    chosen: Row
    rejected: Row
    line: int
    """Physical line in the file, from 1."""
    reference: tuple[float, float] | None = None
    """Log-probabilities of the two replies under the reference policy, in nats; None until measured."""

    @property
    def n_tokens(self) -> int:
        """Rendered tokens of both, the prompt's counted twice."""
        return self.chosen.n_tokens + self.rejected.n_tokens

    @property
    def longest(self) -> int:
        """Tokens of the longer of the two."""
        return max(self.chosen.n_tokens, self.rejected.n_tokens)

    @property
    def n_targets(self) -> int:
        """Tokens of both replies."""
        return self.chosen.n_targets + self.rejected.n_targets


Example = Row | Pair


@dataclass(frozen=True)
class ExampleFile:
    """All usable examples of a file: rows for supervised training, pairs for preference training."""

    examples: list[Any]
    warnings: list[Warned]

    @property
    def n_tokens(self) -> int:
        """Rendered tokens of all examples."""
        return sum(example.n_tokens for example in self.examples)

    @property
    def n_targets(self) -> int:
        """Tokens under the loss of all examples."""
        return sum(example.n_targets for example in self.examples)


def read_file(
    path: Path,
    renderer: Renderer,
    *,
    method: Method,
    max_length: int,
    param: str = "training_file",
    alive: Callable[[], None] = lambda: None,
) -> ExampleFile:
    """Renders every example of a validated file and cuts it after `max_length` tokens; calls `alive` before
    each.

    A pair is left out when the cut leaves either reply nothing to learn. Raises InvalidTrainingFile, with
    `param`, when no example is left, or when the rows are not the method's.
    """
    examples: list[Example] = []
    cut: dict[int, int] = {}
    empty: list[int] = []
    for example in read_examples(path):
        alive()
        if isinstance(example, PreferenceExample) != (method == "dpo"):
            raise InvalidTrainingFile(f"Line {example.line} {_WRONG_ROW[method]}", param=param)
        try:
            rendered = (
                renderer.pair(example)
                if isinstance(example, PreferenceExample)
                else (renderer.example(example),)
            )
        except InvalidTrainingFile as error:  # the template refuses the row; the message names its line
            error.param = param
            raise
        rows = [_row(one, example.line, max_length) for one in rendered]
        longest = max(len(one.input_ids) for one in rendered)
        if longest > max_length:
            cut[example.line] = longest
        if all(row.n_targets for row in rows):
            examples.append(rows[0] if method == "supervised" else Pair(rows[0], rows[1], example.line))
        else:
            empty.append(example.line)
    if not examples:
        raise InvalidTrainingFile(
            f"No example of the {param.replace('_', ' ')} has a token to learn within {max_length} tokens; "
            "shorten the prompts, or give at least one assistant message weight 1",
            param=param,
        )
    return ExampleFile(examples, list(_warnings(cut, empty, max_length, param)))


_WRONG_ROW = {
    "supervised": "is a preference pair; supervised training needs messages, or prompt and completion",
    "dpo": "is no preference pair; preference training needs input, preferred_output and "
    "non_preferred_output",
}


def _row(rendered: Rendered, line: int, max_length: int) -> Row:
    weights = torch.tensor(rendered.weights[:max_length], dtype=torch.float32)
    weights[:1] = 0  # nothing stands before the first token from which it could be predicted
    return Row(torch.tensor(rendered.input_ids[:max_length], dtype=torch.int64), weights, line)


def _warnings(cut: dict[int, int], empty: list[int], max_length: int, param: str) -> Iterable[Warned]:
    name = param.replace("_", " ")
    if cut:
        lengths = [f"{line} ({tokens:,} tokens)" for line, tokens in cut.items()]
        yield Warned(
            code="truncated",
            message=f"{_count(len(cut))} of the {name} longer than {max_length:,} tokens cut at the end: "
            f"{line_names(lengths)}",
            data={"param": param, "n": len(cut), "max_length": max_length, "lines": list(cut)[:_LINES_NAMED]},
        )
    if empty:
        yield Warned(
            code="no_target_tokens",
            message=f"{_count(len(empty))} of the {name} left out, because no token of it is under the loss"
            f"{' after the cut' if cut else ''}: {line_names(empty)}",
            data={"param": param, "n": len(empty), "lines": empty[:_LINES_NAMED]},
        )


def _count(n: int) -> str:
    return "1 example" if n == 1 else f"{n:,} examples"


def line_names(names: Sequence[object]) -> str:
    """`lines 3, 7 and 12 more`: the first of them, and how many there are besides."""
    more = f" and {len(names) - _LINES_NAMED:,} more" if len(names) > _LINES_NAMED else ""
    return f"line{'s' if len(names) > 1 else ''} {', '.join(map(str, names[:_LINES_NAMED]))}{more}"
