"""LoRA for a batch whose rows belong to different adapters, in two products per layer (cf. arXiv:2311.03285).

The adapters of a step stand side by side in *lanes*: their A matrices are further columns of the base's
weight, so one product gives every row its base output and its thin vector in every lane; a 0/1 mask keeps a
row's own lane; one more product with the B matrices below each other adds the result. Adapters without a lane
cost nothing. Prompts, which are many rows of one adapter, go adapter by adapter.

Linear layers that read the same tensor (q, k, v; gate, up) are found by watching one forward pass and
computed together.

Shapes: T = rows, I = in_features, O = out_features, n = used lanes, R = a lane's rank, P = layers of a group.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tunesmith.model.lora import is_conv1d, is_linear_layer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tunesmith.infer.adapter_pool import LoadedAdapter


_LARGEST_HEAD_BYTES = 64 << 20
_ROWS_PER_RUN = 24
"""Rows of one adapter, on average, from which its own products cost less than the masked ones."""


class Lanes:
    """Which lane each row of the current step belongs to; shared by all groups of a model."""

    def __init__(self, rank: int, capacity: int) -> None:
        self.rank = rank
        self.capacity = capacity
        self.n = 0
        """Lanes in use: 0 … n - 1. 0: the whole step is the base's."""
        self.mask: torch.Tensor | None = None
        """1 where a row owns the lane, else 0: [T, n, 1]. None when `runs` are used instead."""
        self.runs: list[tuple[int, int, int]] = []
        """(lane, first row, row after the last): neighbours of one adapter."""

    def use(self, lanes: Sequence[int], counts: Sequence[int], like: torch.Tensor) -> None:
        """Set the step's rows: `counts[i]` rows belong to lane `lanes[i]`, -1 for the base.

        Few rows per adapter are masked, in as many products as one adapter takes; many rows (prompts) go
        adapter by adapter, which spares them the products with lanes that are not theirs.
        """
        self.n = max(lanes, default=-1) + 1
        self.mask, self.runs = None, _runs(lanes, counts)
        if self.n and sum(counts) < _ROWS_PER_RUN * len(self.runs):
            of_row = torch.tensor(lanes).repeat_interleave(torch.tensor(counts)).to(like.device)
            numbers = torch.arange(self.n, device=like.device)
            self.mask = (of_row[:, None] == numbers).to(like.dtype)[:, :, None]


class LinearGroup:
    """Linear layers that read the same tensor, their base weights and lanes in one matrix.

    `weight` is [I, O₁ + … + O_P + capacity · P · R]: transposed, because a product of few rows with it is up
    to twice as fast on a CPU as with nn.Linear's layout. Lane l of layer p begins at column O + (l · P + p) ·
    R.
    """

    def __init__(self, layers: dict[str, nn.Module], lanes: Lanes) -> None:
        self.names = list(layers)
        self._lanes = lanes
        matrices, biases = zip(*(_matrix_and_bias(layer) for layer in layers.values()), strict=True)
        self.in_features = matrices[0].shape[0]
        self.widths = [matrix.shape[1] for matrix in matrices]
        self._n_out = sum(self.widths)
        ends = list(itertools.accumulate(self.widths))
        self._spans = list(zip([0, *ends], ends, strict=False))
        self._base = torch.cat(matrices, dim=1)
        self._bias: torch.Tensor | None = None
        if any(bias is not None for bias in biases):
            self._bias = torch.cat(
                [m.new_zeros(m.shape[1]) if b is None else b for m, b in zip(matrices, biases, strict=True)]
            )
        self._for: torch.Tensor | None = None
        self._outputs: list[torch.Tensor | None] = []
        self.resize()

    def resize(self) -> None:
        """Make room for the lanes' present rank and capacity; all lanes are empty afterwards."""
        columns = self._n_out + self._lanes.capacity * len(self.names) * self._lanes.rank
        self.weight = self._base.new_zeros((self.in_features, columns))
        self.weight[:, : self._n_out] = self._base
        self._base = self.weight[:, : self._n_out]
        height = self._lanes.capacity * self._lanes.rank
        self.lora_b = [self.weight.new_zeros((height, width)) for width in self.widths]
        if self._bias is not None:
            self._bias = torch.cat([self._bias[: self._n_out], self._bias.new_zeros(columns - self._n_out)])

    def fill(self, lane: int, adapter: LoadedAdapter) -> None:
        """Put an adapter's matrices into a lane."""
        rank, n_parts = self._lanes.rank, len(self.names)
        for part, name in enumerate(self.names):
            column = self._n_out + (lane * n_parts + part) * rank
            a = self.weight[:, column : column + rank]
            b = self.lora_b[part][lane * rank : (lane + 1) * rank]
            pair = adapter.layers.get(name)
            r = 0
            if pair is not None:
                r = adapter.rank
                a[:, :r] = pair[0]
                b[:r] = pair[1]
            a[:, r:] = 0
            b[r:] = 0

    def output(self, part: int, x: torch.Tensor) -> torch.Tensor:
        """Layer `part` of x [..., I] -> [..., O_part]. The other parts are kept for their turn with the same
        x."""
        if self._for is not x or self._outputs[part] is None:
            self._outputs = self._compute(x)
            self._for = x
        output = self._outputs[part]
        assert output is not None
        self._outputs[part] = None
        if part == len(self.names) - 1:
            self._for = None
        return output

    def _compute(self, x: torch.Tensor) -> list[torch.Tensor | None]:
        x_ti = x.reshape(-1, self.in_features)
        outputs = self._masked(x_ti) if self._lanes.mask is not None else self._by_runs(x_ti)
        leading = x.shape[:-1]
        return [output.view(*leading, width) for output, width in zip(outputs, self.widths, strict=True)]

    def _base_outputs(self, x_ti: torch.Tensor, columns: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The product with the first columns, and the layers' outputs in it."""
        weight = self.weight[:, :columns]
        y = x_ti @ weight if self._bias is None else torch.addmm(self._bias[:columns], x_ti, weight)
        return y, [y[:, start:end] for start, end in self._spans]

    def _masked(self, x_ti: torch.Tensor) -> list[torch.Tensor]:
        """All lanes for all rows in one product; each row keeps its own."""
        mask = self._lanes.mask
        assert mask is not None
        n, rank, n_parts, n_rows = self._lanes.n, self._lanes.rank, len(self.names), x_ti.shape[0]
        y, outputs = self._base_outputs(x_ti, self._n_out + n * n_parts * rank)
        thin = y[:, self._n_out :].view(n_rows, n, n_parts, rank)
        for part, output in enumerate(outputs):
            own = (thin[:, :, part] * mask).view(n_rows, n * rank)
            output.addmm_(own, self.lora_b[part][: n * rank])
        return outputs

    def _by_runs(self, x_ti: torch.Tensor) -> list[torch.Tensor]:
        """Neighbouring rows of one adapter together; the base's rows have nothing to add."""
        _, outputs = self._base_outputs(x_ti, self._n_out)
        rank, width = self._lanes.rank, len(self.names) * self._lanes.rank
        for lane, start, end in self._lanes.runs:
            if lane >= 0:
                column = self._n_out + lane * width
                thin = x_ti[start:end] @ self.weight[:, column : column + width]
                for part, output in enumerate(outputs):
                    b = self.lora_b[part][lane * rank : (lane + 1) * rank]
                    output[start:end].addmm_(thin[:, part * rank : (part + 1) * rank], b)
        return outputs


class GroupedLinear(nn.Module):
    """Stands in a model where a linear layer stood; the work is the group's."""

    def __init__(self, group: LinearGroup, part: int) -> None:
        super().__init__()
        self.group = group
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [..., I] -> [..., O]."""
        return self.group.output(self.part, x)


def group_linear_layers(model: PreTrainedModel, inputs: dict[str, Any], lanes: Lanes) -> list[LinearGroup]:
    """Replace a model's linear layers, all but the head, in place; `inputs` are for one forward pass to
    watch."""
    head = model.get_output_embeddings()
    linear = {name: m for name, m in model.named_modules() if is_linear_layer(m) and m is not head}
    order: list[tuple[str, int]] = []
    kept: list[torch.Tensor] = []  # alive until the end, so that no two tensors share an id

    def watch(name: str) -> Any:
        def hook(_: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
            kept.append(args[0])
            order.append((name, id(args[0])))

        return hook

    hooks = [module.register_forward_pre_hook(watch(name)) for name, module in linear.items()]
    try:
        model(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    groups = []
    for names in _shared_inputs(order):
        group = LinearGroup({name: linear[name] for name in names}, lanes)
        groups.append(group)
        for part, name in enumerate(names):
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, GroupedLinear(group, part))
    return groups


def transpose_head(model: PreTrainedModel) -> None:
    """Give the head the layout of the groups, which halves its time on a CPU, at the price of a copy: heads
    are often tied to the embedding, which needs the other layout. Large heads stay as they are."""
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or head.weight.numel() * head.weight.element_size() > _LARGEST_HEAD_BYTES:
        return
    name = next(name for name, module in model.named_modules() if module is head)
    parent, _, leaf = name.rpartition(".")
    group = LinearGroup({name: head}, Lanes(rank=1, capacity=0))
    setattr(model.get_submodule(parent), leaf, GroupedLinear(group, 0))


def _shared_inputs(order: list[tuple[str, int]]) -> list[list[str]]:
    """Names called one after another with the same tensor; a layer that was called twice is alone.

    A layer that was not called stays what it is: its owner reads its weight itself, as Mamba's do.
    [(q, 1), (k, 1), (v, 1), (o, 2)] -> [[q, k, v], [o]]
    """
    calls: dict[str, int] = {}
    for name, _ in order:
        calls[name] = calls.get(name, 0) + 1
    groups: list[list[str]] = []
    previous = None
    for name, source in order:
        if calls[name] > 1:
            previous = None
        elif source == previous:
            groups[-1].append(name)
        else:
            groups.append([name])
            previous = source
    return groups + [[name] for name, n in calls.items() if n > 1]


def _runs(lanes: Sequence[int], counts: Sequence[int]) -> list[tuple[int, int, int]]:
    """Lanes [0, 0, 2] with counts [1, 4, 3] -> [(0, 0, 5), (2, 5, 8)]."""
    runs: list[tuple[int, int, int]] = []
    at = 0
    for lane, count in zip(lanes, counts, strict=True):
        if runs and runs[-1][0] == lane:
            runs[-1] = lane, runs[-1][1], at + count
        else:
            runs.append((lane, at, at + count))
        at += count
    return runs


def _matrix_and_bias(layer: nn.Module) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A linear layer's weight as [I, O], and its bias."""
    weight, bias = layer.weight.data, layer.bias
    assert isinstance(weight, torch.Tensor)
    return weight if is_conv1d(layer) else weight.t(), bias.data if isinstance(bias, nn.Parameter) else None
