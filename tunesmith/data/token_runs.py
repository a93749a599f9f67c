"""A row as the trainer sees it, for people to look at: runs of tokens that share a role and a fate.

Ids, weights and the cut are the trainer's own (`data.chat_template`). A run's bytes are its tokens'; a run
may begin or end inside a character, so they need not be UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tunesmith.data.chat_template import Layout, Renderer
from tunesmith.data.examples import Example
from tunesmith.data.tokenizer import Tokenizer

#: Tokens behind the cut that are shown.
SHOWN_BEHIND_CUT = 1000


@dataclass(frozen=True)
class Run:
    """Tokens side by side that are alike."""

    bytes: bytes
    role: str | None
    """Of the message that they belong to, the template's own marks included; None where it does not tell."""
    trained: bool
    """Under the loss."""
    cut: bool
    """Behind the context's end: never seen by the model."""
    token_bytes: list[int]
    """Bytes of each of its tokens."""


@dataclass(frozen=True)
class Reply:
    """One rendering of a row; a preference row has two, the preferred one first."""

    n_tokens: int
    """After the cut."""
    n_trained: int
    n_cut: int
    """Tokens behind the cut."""
    runs: list[Run]


def replies(example: Example, renderer: Renderer, *, context_length: int) -> list[Reply]:
    """What becomes of a sound row. Raises `InvalidTrainingFile` when the template refuses it."""
    return [
        _reply(layout, renderer.tokenizer, context_length=context_length)
        for layout in renderer.layouts(example)
    ]


def _reply(layout: Layout, tokenizer: Tokenizer, *, context_length: int) -> Reply:
    ids = layout.rendered.input_ids
    kept = layout.rendered.cut(context_length)
    return Reply(
        n_tokens=len(kept.input_ids),
        n_trained=kept.n_supervised,
        n_cut=len(ids) - len(kept.input_ids),
        runs=list(_runs(layout, tokenizer, context_length)),
    )


def _runs(layout: Layout, tokenizer: Tokenizer, context_length: int) -> Iterator[Run]:
    alike: tuple[str | None, bool, bool] | None = None
    pieces: list[bytes] = []
    roles = _roles(layout)
    shown = layout.rendered.input_ids[: context_length + SHOWN_BEHIND_CUT]
    for place, (id, weight, role) in enumerate(zip(shown, layout.rendered.weights, roles, strict=False)):
        cut = place >= context_length
        kind = (role, weight > 0 and not cut, cut)
        if kind != alike and alike is not None:
            yield Run(b"".join(pieces), *alike, [len(piece) for piece in pieces])
            pieces = []
        alike = kind
        pieces.append(tokenizer.token_bytes(id))
    if alike is not None:
        yield Run(b"".join(pieces), *alike, [len(piece) for piece in pieces])


def _roles(layout: Layout) -> Iterator[str | None]:
    """The role of each token: of the message within whose end it begins."""
    ends = layout.ends
    message = 0
    for (start, _), weight in zip(layout.offsets, layout.rendered.weights, strict=True):
        while message < len(ends) and _is_over(ends, message, start):
            message += 1
        if weight > 0:
            yield "assistant"
        elif message < len(ends):
            yield ends[message][0] if ends[message][1] is not None else None
        else:
            yield ends[-1][0] if ends else None


def _is_over(ends: list[tuple[str, int | None]], message: int, start: int) -> bool:
    """Whether a message ends at or before `start`; one without an end lasts until the next that has one."""
    end = ends[message][1]
    if end is not None:
        return start >= end
    following = next((after for _, after in ends[message + 1 :] if after is not None), None)
    return following is not None and start >= following
