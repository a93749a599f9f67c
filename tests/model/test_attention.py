"""Packed attention against the definition, written out for one segment at a time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.model import flat_attention, shared_attention
from tunesmith.model.attention import forest_attention, laid_out
from tunesmith.model.forest import Forest, Node

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def inputs(n_tokens: int, n_heads: int = 4, n_kv: int = 2, width: int = 8) -> Tensors:
    generator = torch.Generator().manual_seed(n_tokens)

    def one(heads: int) -> torch.Tensor:
        values = torch.randn(1, n_tokens, heads, width, generator=generator, dtype=torch.float64)
        return values.transpose(1, 2).requires_grad_()

    return one(n_heads), one(n_kv), one(n_kv)


def by_definition(
    qkv: Tensors, lengths: list[int], window: int | None, softcap: float | None, sinks: torch.Tensor | None
) -> torch.Tensor:
    query, key, value = qkv
    repeats = query.shape[1] // key.shape[1]
    outs, start = [], 0
    for length in lengths:
        place = slice(start, start + length)
        q = query[0, :, place]
        k, v = (x[0, :, place].repeat_interleave(repeats, dim=0) for x in (key, value))
        scores = q @ k.transpose(1, 2) * q.shape[-1] ** -0.5
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        distance = torch.arange(length)[:, None] - torch.arange(length)[None]
        hidden = (distance < 0) | (distance >= (window or length))
        scores = scores.masked_fill(hidden, float("-inf"))
        if sinks is not None:
            scores = torch.cat([scores, sinks[:, None, None].expand(-1, length, 1)], -1)
        outs.append((scores.softmax(-1)[..., :length] @ v).transpose(0, 1))
        start += length
    return torch.cat(outs)[None]


def check(lengths: list[int], **options: object) -> None:
    qkv = inputs(sum(lengths))
    window, softcap, sinks = (options.get(name) for name in ("sliding_window", "softcap", "s_aux"))
    expected = by_definition(qkv, lengths, window, softcap, sinks)  # type: ignore[arg-type]
    out, _ = forest_attention(torch.nn.Identity(), *qkv, None, forest=Forest.flat(lengths), **options)  # type: ignore[arg-type]
    torch.testing.assert_close(out, expected)
    weight = torch.randn(out.shape, dtype=out.dtype, generator=torch.Generator().manual_seed(1))
    mine = torch.autograd.grad((out * weight).sum(), qkv)
    theirs = torch.autograd.grad((expected * weight).sum(), qkv)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
@settings(max_examples=20, deadline=None)
def test_each_segment_is_attended_as_if_it_were_alone(lengths: list[int]) -> None:
    check(lengths)


@pytest.mark.parametrize("at_once", [0, 4_000_000])
@pytest.mark.parametrize("lengths", [[9], [5, 5], [3, 12, 11, 40, 1]])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sliding_window": 4},
        {"sliding_window": 4096},
        {"softcap": 2.0},
        {"softcap": 2.0, "sliding_window": 4},
        {"s_aux": torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64)},
    ],
    ids=["plain", "window", "wide window", "softcap", "softcap and window", "sinks"],
)
def test_both_kernels_follow_the_definition(
    monkeypatch: pytest.MonkeyPatch, at_once: int, lengths: list[int], options: dict[str, object]
) -> None:
    monkeypatch.setattr(flat_attention, "_AT_ONCE_VALUES", at_once)
    check(lengths, **options)


def test_positions_begin_again_with_each_segment() -> None:
    assert Forest.flat([3, 2]).positions.tolist() == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    "asked",
    [
        {"attention_mask": torch.zeros(1)},
        {"position_bias": torch.zeros(1)},
        {"dropout": 0.1},
        {"forest": None},
    ],
)
def test_what_is_not_supported_is_refused_and_never_ignored(asked: dict[str, object]) -> None:
    arguments: dict[str, object] = {"attention_mask": None, "forest": Forest.flat([4]), **asked}
    with pytest.raises(NotImplementedError):
        forest_attention(torch.nn.Identity(), *inputs(4), **arguments)  # type: ignore[arg-type]


@st.composite
def forests(draw: st.DrawFn) -> Forest:
    """Nodes of random length under random parents, in depth-first order."""
    nodes: list[Node] = []
    positions: list[torch.Tensor] = []

    def grow(parent: int, depth: int, level: int) -> None:
        for _ in range(draw(st.integers(1 if level == 0 else 0, 3))):
            start, length = sum(map(len, positions)), draw(st.integers(1, 9))
            place = len(nodes)
            nodes.append(Node(start, start + length, start + length, parent))
            positions.append(torch.arange(depth, depth + length))
            if level < 3:
                grow(place, depth + length, level + 1)
            nodes[place] = nodes[place]._replace(subtree_end=sum(map(len, positions)))

    grow(-1, 0, 0)
    return Forest(nodes, torch.cat(positions))


def seen(forest: Forest, window: int | None) -> torch.Tensor:
    """bool [T, T]: which token sees which, token by token."""
    mask = torch.zeros(forest.n_tokens, forest.n_tokens, dtype=torch.bool)
    for node in forest.nodes:
        for row in range(node.start, node.end):
            mask[row, node.start : row + 1] = True
            above = node.parent
            while above >= 0:
                mask[row, forest.nodes[above].start : forest.nodes[above].end] = True
                above = forest.nodes[above].parent
    if window is not None:
        mask &= forest.positions[:, None] - forest.positions[None] < window
    return mask


@given(
    forests(),
    st.sampled_from([None, 1, 4, 100]),
    st.sampled_from([None, 2.0]),
    st.booleans(),
    st.sampled_from([2, 6, 192]),
)
@settings(max_examples=100, deadline=None)
def test_a_token_of_a_forest_sees_its_ancestors_and_nothing_else(
    forest: Forest, window: int | None, softcap: float | None, has_sinks: bool, fused_from: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_attention, "_LONG", fused_from)
        check_forest(forest, window, softcap, has_sinks)


def check_forest(forest: Forest, window: int | None, softcap: float | None, has_sinks: bool) -> None:
    q, k, v = inputs(forest.n_tokens)
    sinks = torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64) if has_sinks else None
    scores = q[0] @ k[0].repeat_interleave(2, 0).transpose(1, 2) * q.shape[-1] ** -0.5
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    scores = scores.masked_fill(~seen(forest, window), float("-inf"))
    if sinks is not None:
        scores = torch.cat([scores, sinks[:, None, None].expand(-1, forest.n_tokens, 1)], -1)
    weights = scores.softmax(-1)[..., : forest.n_tokens]
    expected = (weights @ v[0].repeat_interleave(2, 0)).transpose(0, 1)[None]

    out, _ = forest_attention(
        torch.nn.Identity(), q, k, v, None, sliding_window=window, softcap=softcap, s_aux=sinks, forest=forest
    )
    torch.testing.assert_close(out, expected)
    weight = torch.randn(out.shape, dtype=out.dtype, generator=torch.Generator().manual_seed(1))
    mine = torch.autograd.grad((out * weight).sum(), (q, k, v))
    theirs = torch.autograd.grad((expected * weight).sum(), (q, k, v))
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_a_large_piece_is_computed_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = Forest([Node(0, 30, 50, -1), Node(30, 41, 41, 0), Node(41, 50, 50, 0)], torch.arange(50))
    qkv = inputs(50)
    whole, _ = forest_attention(torch.nn.Identity(), *qkv, None, forest=forest)
    monkeypatch.setattr(shared_attention, "_SCORES_AT_ONCE", 300)
    parts, _ = forest_attention(torch.nn.Identity(), *qkv, None, forest=forest)
    torch.testing.assert_close(parts, whole)
    grads = [torch.autograd.grad(out.sum(), qkv) for out in (parts, whole)]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b)


def test_a_layout_can_be_laid_out_around_a_model_that_drops_it() -> None:
    forest, qkv = Forest.flat([3, 4]), inputs(7)
    expected, _ = forest_attention(torch.nn.Identity(), *qkv, None, forest=forest)
    with laid_out(forest):
        out, _ = forest_attention(torch.nn.Identity(), *qkv, None)
    assert torch.equal(out, expected)
    with pytest.raises(NotImplementedError):
        forest_attention(torch.nn.Identity(), *qkv, None)
