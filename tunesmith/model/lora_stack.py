"""All LoRA matrices of a model in one flat buffer: the optimizer, the norm, and the copy in compute precision
are then one operation each, not one per layer.

Starting values are PEFT's: lora_A uniform as nn.Linear's own, lora_B zero. What the layers compute with their
matrices is `lora.py`'s and `experts.py`'s, files are `adapter.py`'s.

Shapes: I = in_features, O = out_features, R = rank, E = experts, P = values of the whole adapter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from tunesmith.errors import InvalidAdapter
from tunesmith.model.adapter import AdapterWeights, LoraPair
from tunesmith.model.peft_names import Targets


class LoraMatrices:
    """One layer's places in the stack's buffers: a pair of matrices, or one for each of E experts.

    `lora_A` [R, I] and `lora_B` [O, R] are the masters that the optimizer moves; experts' matrices lie behind
    each other, [E, R, I] and [E, O, R].
    """

    weight: torch.Tensor
    """The frozen matrix or matrices that LoRA adds to."""
    in_features: int
    out_features: int
    r: int
    n_experts: int | None = None
    """E; None for a linear layer."""

    @property
    def parameters_per_rank(self) -> int:
        """Values that each rank of the adapter has here."""
        return (self.n_experts or 1) * (self.in_features + self.out_features)

    def bind(self, stack: LoraStack, at: int) -> int:
        """Takes the layer's places in the stack's buffers from index `at` on; gives the index after them.

        B lies transposed, [R, O]: products with the thin side first are the faster ones on a CPU.
        """
        self._stack = (stack,)  # in a tuple, so that it is no submodule
        of_each = () if self.n_experts is None else (self.n_experts,)
        end_a = at + self.r * self.in_features * (self.n_experts or 1)
        end = at + self.r * self.parameters_per_rank

        def places(buffer: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            a = buffer[at:end_a].view(*of_each, self.r, self.in_features)
            return a, buffer[end_a:end].view(*of_each, self.r, self.out_features)

        self.lora_A, lora_bt = places(stack.weights.data)
        self.lora_A_grad, lora_bt_grad = places(stack.gradient)
        self.lora_B, self.lora_B_grad = lora_bt.mT, lora_bt_grad.mT
        self._compute_a, self._compute_bt = places(stack.compute)
        self._staged_a, self._staged_bt = places(stack.staged)
        return end

    def pair(self) -> LoraPair:
        """The masters as files hold them."""
        return _in_files(self.lora_A, self.lora_B)

    def gradients(self) -> LoraPair:
        """The gradient of `pair`."""
        return _in_files(self.lora_A_grad, self.lora_B_grad)

    def take(self, pair: LoraPair) -> None:
        """Copies a pair of the same shapes into the masters."""
        a, b = pair.lora_A, pair.lora_B
        if self.n_experts is not None:
            b = b.view(self.out_features, self.r, self.n_experts).permute(2, 0, 1)
        self.lora_A.copy_(a.view(self.lora_A.shape))
        self.lora_B.copy_(b)


def _in_files(a: torch.Tensor, b: torch.Tensor) -> LoraPair:
    """PEFT keeps experts' matrices as two: A's rows expert by expert, B's columns rank by rank."""
    if a.ndim == 2:
        return LoraPair(a, b)
    return LoraPair(a.flatten(0, 1), b.permute(1, 2, 0).flatten(1), n_experts=a.shape[0])


class LoraStack:
    """All LoRA matrices of a model, back to back in flat buffers of P values.

    `weights` [P] are the masters, fp32 (fp64 where the base is fp64), with their gradient in
    `gradient`, which is also `weights.grad`; each layer's `lora_A` and `lora_B` are views. Around each
    backward pass: `stage()` before it and `collect()` after it. After each change of the masters:
    `refresh()`.
    """

    def __init__(
        self,
        layers: Mapping[str, LoraMatrices],
        r: int,
        lora_alpha: float,
        use_rslora: bool = False,
        *,
        targets: Targets | None = None,
        stored_in_out: bool = False,
    ) -> None:
        """`targets` is how PEFT's files name the layers, `stored_in_out` whether the base's linear layers
        store [in, out], as GPT-2's do (PEFT's `fan_in_fan_out`)."""
        self.layers = dict(layers)
        self.r, self.lora_alpha, self.use_rslora = r, lora_alpha, use_rslora
        self.targets, self.stored_in_out = targets, stored_in_out
        first = next(iter(self.layers.values())).weight
        master_dtype = torch.float64 if first.dtype == torch.float64 else torch.float32
        size = r * sum(layer.parameters_per_rank for layer in self.layers.values())
        self.weights = nn.Parameter(torch.zeros(size, dtype=master_dtype, device=first.device))
        self.gradient = torch.zeros_like(self.weights.data)
        self.weights.grad = self.gradient
        self._two_precisions = first.dtype != master_dtype
        masters = self.weights.data
        self.compute = torch.zeros_like(masters, dtype=first.dtype) if self._two_precisions else masters
        self.staged = torch.zeros_like(self.compute) if self._two_precisions else self.gradient
        at = 0
        for layer in self.layers.values():
            at = layer.bind(self, at)

    def initialize(self, seed: int) -> None:
        """PEFT's starting values, drawn on the CPU so that a seed means the same adapter on every device."""
        generator = torch.Generator().manual_seed(seed)
        for layer in self.layers.values():
            bound = 1 / math.sqrt(layer.in_features)  # kaiming_uniform_ with a = √5
            start = torch.empty(layer.lora_A.shape).uniform_(-bound, bound, generator=generator)
            layer.lora_A.copy_(start)
            layer.lora_B.zero_()
        self.refresh()

    def refresh(self) -> None:
        """Renews the copies in compute precision."""
        if self._two_precisions:
            self.compute.copy_(self.weights.data)

    def stage(self) -> None:
        """Makes room for one backward pass; those of one step are staged apart and so add up in fp32."""
        if self._two_precisions:
            self.staged.zero_()

    def collect(self) -> None:
        """Adds what the backward pass left to the gradient."""
        if self._two_precisions:
            self.gradient.add_(self.staged)

    def zero_grad(self) -> None:
        """Sets all gradients to zero."""
        self.gradient.zero_()

    def state(self, base_name: str | None = None) -> AdapterWeights:
        """The adapter as values; what files hold as it lies here is a view of the living matrix."""
        return AdapterWeights(
            r=self.r,
            lora_alpha=self.lora_alpha,
            layers={name: layer.pair() for name, layer in self.layers.items()},
            base_name=base_name,
            use_rslora=self.use_rslora,
            targets=self.targets,
        )

    def load(self, adapter: AdapterWeights) -> None:
        """Takes over an adapter's values.

        Raises InvalidAdapter when its layers or shapes are not the model's.
        """
        differing = sorted(set(adapter.layers) ^ set(self.layers))
        if differing:
            raise InvalidAdapter(f"{differing[0]} has LoRA in only one of adapter and model")
        for name, given in adapter.layers.items():
            layer = self.layers[name]
            mine = layer.pair()
            for half in ("lora_A", "lora_B"):
                theirs, ours = getattr(given, half).shape, getattr(mine, half).shape
                if theirs != ours:
                    shapes = f"{list(theirs)} in the adapter and {list(ours)} in the model"
                    raise InvalidAdapter(f"{name} has shape {shapes}")
            layer.take(given)
        self.refresh()
