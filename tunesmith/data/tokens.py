"""How many tokens a file is for a base, as the trainer sees them: rendered, and cut at the context's end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunesmith.data.chat_template import Renderer
from tunesmith.data.examples import Example, PreferenceExample
from tunesmith.data.report import KEPT


@dataclass(frozen=True)
class TokenCounts:
    """Sums over one file; a preference row counts with both replies."""

    n_examples: int
    total: int
    """Tokens after cutting."""
    supervised: int
    """Those of them that are under the loss."""
    longest: int
    """Tokens of the longest row before cutting."""
    n_truncated: int
    """Rows that were cut."""
    truncated_lines: tuple[int, ...]
    """Physical lines of the first twenty of them."""
    unlearnable_lines: tuple[int, ...]
    """Lines (the first twenty) where nothing is left to learn after the cut."""


def count(examples: Iterable[Example], renderer: Renderer, *, max_length: int) -> TokenCounts:
    """Count `examples` cut at `max_length` tokens; raises `InvalidTrainingFile` as rendering does."""
    n_examples = total = supervised = longest = n_truncated = 0
    truncated: list[int] = []
    unlearnable: list[int] = []
    for example in examples:
        rendered = (
            renderer.pair(example) if isinstance(example, PreferenceExample) else (renderer.example(example),)
        )
        n_examples += 1
        longest = max(longest, *(len(one.input_ids) for one in rendered))
        if any(len(one.input_ids) > max_length for one in rendered):
            n_truncated += 1
            truncated += [example.line] if len(truncated) < KEPT else []
        cut = [one.cut(max_length) for one in rendered]
        total += sum(len(one.input_ids) for one in cut)
        supervised += sum(one.n_supervised for one in cut)
        if not all(one.n_supervised for one in cut) and len(unlearnable) < KEPT:
            unlearnable.append(example.line)
    return TokenCounts(
        n_examples, total, supervised, longest, n_truncated, tuple(truncated), tuple(unlearnable)
    )
