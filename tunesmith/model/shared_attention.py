"""Exact attention over a forest in plain torch: each token's scores are made in pieces, and merged.

A piece is a set of queries against a set of keys: a node against itself, causally, or all descendants of
a node against it, in one product however many examples share it. Each piece gives an output and the
log of its sum of exponentials, from which the softmax over all pieces follows exactly; the backward pass
of each piece then needs only the merged values (FlashAttention-2, arXiv:2307.08691, sections 3.1 and 3.2;
the merge is that of its split-key form). Works on every device and for every width, window and soft cap;
where a native kernel runs, `attention.py` takes that.

Shapes: T = tokens, H = query heads, K = key/value heads, R = H / K, D and Dv = head widths,
Q and S = queries and keys of a piece, N = pieces computed together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from tunesmith.model.forest import Forest

#: Scores of a piece made at once, in fp32: 64 MB.
_SCORES_AT_ONCE = 16_000_000
#: Pieces with at least so many queries and keys go through torch's fused kernel, where it can do them.
_LONG = 192


class Terms(NamedTuple):
    """How scores are made of queries and keys."""

    scale: float
    window: int | None
    """Keys at least so many positions back are not seen."""
    softcap: float | None
    """Scores are bounded by `softcap · tanh(score / softcap)`."""


class _Piece(NamedTuple):
    """Queries and the keys that they see, as rows of the packed row."""

    queries: torch.Tensor
    """int64 [N, Q]; padding repeats a row."""
    keys: torch.Tensor
    """int64 [N, S]."""
    hidden: torch.Tensor | None
    """bool [Q, S]: what is not seen."""
    real: torch.Tensor | None
    """bool [N, Q]: which queries are no padding; None where all are."""
    is_causal: bool = False
    """Whether `hidden` is that every query sees its own place and those before it, in a piece alone."""

    @property
    def is_plain(self) -> bool:
        """Whether torch's fused kernel knows this mask, and the piece is worth its call."""
        long = min(self.queries.shape[1], self.keys.shape[1]) >= _LONG
        return long and len(self.queries) == 1 and (self.is_causal or self.hidden is None)


def shared_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    forest: Forest,
    terms: Terms,
    sinks: torch.Tensor | None = None,
) -> torch.Tensor:
    """q [T, H, D], k [T, K, D], v [T, K, Dv] -> [T, H, Dv]; `sinks` [H] take part in the softmax only."""
    return _SharedAttention.apply(q, k, v, forest, terms, sinks)


class _SharedAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        forest: Forest,
        terms: Terms,
        sinks: torch.Tensor | None,
    ) -> torch.Tensor:
        wide = torch.promote_types(q.dtype, torch.float32)
        n_kv, n_repeats = k.shape[1], q.shape[1] // k.shape[1]
        out = q.new_zeros(len(q), n_kv, n_repeats, v.shape[-1], dtype=wide)
        lse = q.new_full((len(q), n_kv, n_repeats), float("-inf"), dtype=wide)
        for piece in _pieces(forest, terms, q, v):
            if piece.is_plain and _may_fuse(q, v, terms):
                part, part_lse = _fused(q, k, v, piece, terms)
            else:
                scores = _scores(q, k, piece, terms)
                part_lse = scores.logsumexp(-1)
                weights = (scores - part_lse.clamp(min=-1e30)[..., None]).exp()
                part = torch.matmul(weights.to(v.dtype), _heads(v, piece.keys)).to(wide)
            rows, part, part_lse = _real(piece, _by_row(part, n_repeats), _by_row(part_lse, n_repeats))
            merged = torch.logaddexp(lse[rows], part_lse)
            out[rows] = (
                out[rows] * (lse[rows] - merged).exp()[..., None]
                + part * (part_lse - merged).exp()[..., None]
            )
            lse[rows] = merged
        if sinks is not None:
            merged = torch.logaddexp(lse, sinks.detach().to(wide).view(n_kv, n_repeats))
            out, lse = out * (lse - merged).exp()[..., None], merged
        result = out.flatten(1, 2).to(q.dtype)
        ctx.save_for_backward(q, k, v, result, lse)
        ctx.forest, ctx.terms = forest, terms
        return result

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q, k, v, out, lse = ctx.saved_tensors
        terms: Terms = ctx.terms
        grad = grads[0]
        wide = lse.dtype
        n_kv, n_repeats = lse.shape[1:]
        delta = (grad.to(wide) * out.to(wide)).sum(-1).view_as(lse)
        grad_q, grad_k, grad_v = (torch.zeros_like(x, dtype=wide) for x in (q, k, v))
        for piece in _pieces(ctx.forest, terms, q, v):
            if piece.is_plain and _may_fuse(q, v, terms):
                piece_q, piece_k, piece_v = _fused_backward(grad, q, k, v, out, lse, piece, terms)
            else:
                piece_q, piece_k, piece_v = _piece_backward(grad, q, k, v, lse, delta, piece, terms)
            rows, piece_q = _real(piece, _by_row(piece_q.to(wide), n_repeats))
            grad_q.view(len(q), n_kv, n_repeats, -1).index_add_(0, rows, piece_q)
            for total, part in ((grad_k, piece_k), (grad_v, piece_v)):
                total.index_add_(0, piece.keys.flatten(), part.transpose(1, 2).flatten(0, 1).to(wide))
        return grad_q.to(q.dtype), grad_k.to(k.dtype), grad_v.to(v.dtype), None, None, None


Gradients = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def _piece_backward(
    grad: torch.Tensor,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    lse: torch.Tensor,
    delta: torch.Tensor,
    piece: _Piece,
    terms: Terms,
) -> Gradients:
    """Gradients of a piece's queries [N, K, R · Q, D], keys [N, K, S, D] and values [N, K, S, Dv]."""
    n_kv, n_repeats = lse.shape[1:]
    rows_lse, rows_delta = (_queries_by_head(x, piece.queries) for x in (lse, delta))
    g = _queries_by_head(grad.view(*lse.shape, -1), piece.queries)
    if piece.real is not None:
        real = piece.real[:, None].repeat(1, 1, n_repeats)
        g, rows_delta = g * real[..., None], rows_delta * real
    scores = _scores(q, k, piece, terms)
    weights = (scores - rows_lse[..., None]).exp()
    keys, values = _heads(k, piece.keys), _heads(v, piece.keys)
    grad_values = torch.matmul(weights.to(g.dtype).transpose(-1, -2), g)
    grad_weights = torch.matmul(g, values.transpose(-1, -2)).to(lse.dtype)
    grad_scores = weights * (grad_weights - rows_delta[..., None])
    if terms.softcap is not None:
        grad_scores = grad_scores * (1 - (scores.nan_to_num(neginf=0) / terms.softcap) ** 2)
    grad_scores = (grad_scores * terms.scale).to(q.dtype)
    queries = _queries_by_head(q.view(len(q), n_kv, n_repeats, -1), piece.queries)
    grad_keys = torch.matmul(grad_scores.transpose(-1, -2), queries)
    return torch.matmul(grad_scores, keys), grad_keys, grad_values


def _may_fuse(q: torch.Tensor, v: torch.Tensor, terms: Terms) -> bool:
    return terms.softcap is None and q.shape[-1] == v.shape[-1] and q.device.type == "cpu"


def _fused_inputs(x: torch.Tensor, piece: _Piece, n_kv: int) -> torch.Tensor:
    """Rows [T, H, ...] of the queries as [R, K, Q, ...] for a causal piece, else as [1, K, R · Q, ...]."""
    by_head = _queries_by_head(x.unflatten(1, (n_kv, -1)), piece.queries)
    if not piece.is_causal:
        return by_head
    return by_head[0].unflatten(1, (-1, piece.queries.shape[1])).transpose(0, 1)


def _fused(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, piece: _Piece, terms: Terms
) -> tuple[torch.Tensor, torch.Tensor]:
    """The output [1, K, R · Q, Dv] and log of the sum of exponentials [1, K, R · Q] of a plain piece."""
    queries = _fused_inputs(q, piece, k.shape[1])
    keys, values = (_heads(x, piece.keys).expand(len(queries), -1, -1, -1) for x in (k, v))
    out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        queries, keys, values, 0.0, piece.is_causal, scale=terms.scale
    )
    return out.transpose(0, 1).flatten(1, 2)[None].to(lse.dtype), lse.transpose(0, 1).flatten(1, 2)[None]


def _fused_backward(
    grad: torch.Tensor,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    out: torch.Tensor,
    lse: torch.Tensor,
    piece: _Piece,
    terms: Terms,
) -> Gradients:
    """As `_piece_backward`; the kernel gets the merged output and sum, and so gives the piece's part."""
    n_kv = k.shape[1]
    queries, g, merged, sums = (_fused_inputs(x, piece, n_kv) for x in (q, grad, out, lse.flatten(1)))
    keys, values = (_heads(x, piece.keys).expand(len(queries), -1, -1, -1) for x in (k, v))
    grad_q, grad_k, grad_v = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
        g, queries, keys, values, merged, sums, 0.0, piece.is_causal, scale=terms.scale
    )
    return grad_q.transpose(0, 1).flatten(1, 2)[None], grad_k.sum(0)[None], grad_v.sum(0)[None]


def _pieces(forest: Forest, terms: Terms, q: torch.Tensor, v: torch.Tensor) -> Iterator[_Piece]:
    """Every query with every key that it sees, once; a node's own keys come first, so that no query is
    without a key when pieces are merged."""
    may_fuse, window = _may_fuse(q, v, terms), terms.window
    for piece in forest.cached(("pieces", window), lambda: list(_all_pieces(forest, window))):
        at_once = max(1, _SCORES_AT_ONCE // (q.shape[1] * piece.keys.numel()))
        if (may_fuse and piece.is_plain) or piece.queries.shape[1] <= at_once:
            yield piece
            continue
        for first in range(0, piece.queries.shape[1], at_once):
            chosen = slice(first, first + at_once)
            yield _Piece(
                piece.queries[:, chosen],
                piece.keys,
                None if piece.hidden is None else piece.hidden[chosen],
                None if piece.real is None else piece.real[:, chosen],
            )


def _all_pieces(forest: Forest, window: int | None) -> Iterator[_Piece]:
    device = forest.positions.device
    for group in forest.own.groups:
        offsets = torch.arange(group.length, device=device)
        distance = offsets[:, None] - offsets[None, :]
        hidden = distance < 0
        if window is not None:
            hidden = hidden | (distance >= window)
        if group.length >= _LONG:
            for i in group.members:
                start, n = forest.nodes[i].start, forest.own.lengths[i]
                rows = torch.arange(start, start + n, device=device)[None]
                yield _Piece(rows, rows, hidden[:n, :n], None, window is None or window >= n)
            continue
        starts = torch.tensor([forest.nodes[i].start for i in group.members], device=device)
        lengths = torch.tensor([forest.own.lengths[i] for i in group.members], device=device)
        real = offsets[None, :] < lengths[:, None]
        rows = starts[:, None] + torch.where(real, offsets, 0)
        yield _Piece(rows, rows, hidden, None if bool(real.all()) else real)
    for trunk in forest.trunks(window):
        yield _Piece(trunk.queries[None], trunk.keys[None], trunk.hidden, None)


def _scores(q: torch.Tensor, k: torch.Tensor, piece: _Piece, terms: Terms) -> torch.Tensor:
    """[N, K, R · Q, S] in fp32 or wider, -inf where a key is not seen."""
    n_kv = k.shape[1]
    n_repeats = q.shape[1] // n_kv
    queries = _queries_by_head(q.view(len(q), n_kv, n_repeats, -1), piece.queries)
    scores = torch.matmul(queries, _heads(k, piece.keys).transpose(-1, -2))
    scores = scores.to(torch.promote_types(q.dtype, torch.float32)) * terms.scale
    if terms.softcap is not None:
        scores = torch.tanh(scores / terms.softcap) * terms.softcap
    if piece.hidden is not None:
        scores = scores.masked_fill(piece.hidden.repeat(n_repeats, 1), float("-inf"))
    return scores


def _heads(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """[T, K, D] and rows [N, S] -> [N, K, S, D]."""
    return x[rows].transpose(1, 2)


def _queries_by_head(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """[T, K, R, ...] and rows [N, Q] -> [N, K, R · Q, ...]: a key head's query heads below each other."""
    return x[rows].movedim(1, 3).flatten(2, 3)


def _by_row(x: torch.Tensor, n_repeats: int) -> torch.Tensor:
    """[N, K, R · Q, ...] -> [N, Q, K, R, ...]."""
    return x.unflatten(2, (n_repeats, -1)).movedim(3, 1)


def _real(piece: _Piece, *values: torch.Tensor) -> list[torch.Tensor]:
    """The rows of the queries that are no padding, and their values [N, Q, ...] as [rows, ...]."""
    if piece.real is None:
        return [piece.queries.flatten(), *(value.flatten(0, 1) for value in values)]
    return [piece.queries[piece.real], *(value[piece.real] for value in values)]
