"""LoRA layers (arXiv:2106.09685): a frozen linear layer and a trainable product of two thin matrices.

`add_lora` swaps a model's linear layers in place and gives a `LoraStack`, which owns all matrices of
the adapter in one flat buffer: the optimizer, the norm, and the copy in compute precision are then one
operation each, not one per layer. Starting values are PEFT's: lora_A uniform as nn.Linear's own, lora_B
zero. Files are `adapter.py`'s.

Shapes: T = tokens, I = in_features, O = out_features, R = rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tunesmith.errors import InvalidAdapter, InvalidRequest
from tunesmith.model.adapter import AdapterWeights, LoraPair

ALL_LINEAR = "all-linear"


class LoraLinear(nn.Module):
    """`y = x Wᵀ + b + scaling · (x Aᵀ) Bᵀ`, with W and b frozen in the base's precision.

    `lora_A` and `lora_B` are the masters that the optimizer moves. Their copies in compute precision
    and the places of their gradients are the `LoraStack`'s, which `bind`s the layer to them.
    """

    def __init__(self, base: nn.Module, r: int, scaling: float) -> None:
        super().__init__()
        self.stored_in_out = _is_conv1d(base)
        self.weight: torch.Tensor = base.weight  # type: ignore[assignment]
        self.bias: torch.Tensor | None = base.bias  # type: ignore[assignment]
        self.out_features, self.in_features = self.matrix.shape
        self.r = r
        self.scaling = scaling

    @property
    def matrix(self) -> torch.Tensor:
        """W as [O, I], however the base stores it."""
        return self.weight.t() if self.stored_in_out else self.weight

    def bind(self, stack: LoraStack, at: int) -> int:
        """Takes the layer's places in the stack's buffers from index `at` on; gives the index after them.

        B lies transposed, [R, O]: products with the thin side first are the faster ones on a CPU.
        """
        self._stack = (stack,)  # in a tuple, so that it is no submodule
        end_a = at + self.r * self.in_features
        end = end_a + self.r * self.out_features

        def places(buffer: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            a = buffer[at:end_a].view(self.r, self.in_features)
            return a, buffer[end_a:end].view(self.r, self.out_features)

        self.lora_A, lora_bt = places(stack.weights.data)
        self.lora_A_grad, lora_bt_grad = places(stack.gradient)
        self.lora_B, self.lora_B_grad = lora_bt.t(), lora_bt_grad.t()
        self._compute_a, self._compute_bt = places(stack.compute)
        self._staged_a, self._staged_bt = places(stack.staged)
        return end

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [..., I] -> [..., O]."""
        return _LoraProduct.apply(x, self._stack[0].weights, self)


class _LoraProduct(torch.autograd.Function):
    """Both products as one node. The gradients of A and B go to the stack's staging buffer on the spot:
    returned to autograd they would be cast and added one by one, two more operations for each matrix."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weights: torch.Tensor, layer: LoraLinear) -> torch.Tensor:
        y = F.linear(
            x, layer.matrix, layer.bias
        )  # no view: some models edit their linear layers' results in place
        x_ti = x.reshape(-1, x.shape[-1])
        h_tr = x_ti @ layer._compute_a.t()
        y.view(-1, y.shape[-1]).addmm_(h_tr, layer._compute_bt, alpha=layer.scaling)
        ctx.save_for_backward(x_ti, h_tr)
        ctx.layer, ctx.shape = layer, x.shape
        return y

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, None, None]:
        x_ti, h_tr = ctx.saved_tensors
        layer: LoraLinear = ctx.layer
        grad_to = grads[0].reshape(-1, grads[0].shape[-1])
        grad_tr = grad_to @ layer._compute_bt.t()
        layer._staged_a.addmm_(grad_tr.t(), x_ti, alpha=layer.scaling)
        layer._staged_bt.addmm_(h_tr.t(), grad_to, alpha=layer.scaling)
        if not ctx.needs_input_grad[0]:  # the first layer's input is the frozen embedding
            return None, None, None
        grad_x = (grad_to @ layer.matrix).addmm_(grad_tr, layer._compute_a, alpha=layer.scaling)
        return grad_x.view(ctx.shape), None, None


class LoraStack:
    """All LoRA matrices of a model, back to back in flat buffers of P values.

    `weights` [P] are the masters, fp32 (fp64 where the base is fp64), with their gradient in
    `gradient`, which is also `weights.grad`; each layer's `lora_A` and `lora_B` are views. Around each
    backward pass: `stage()` before it and `collect()` after it. After each change of the masters:
    `refresh()`.
    """

    def __init__(
        self, layers: dict[str, LoraLinear], r: int, lora_alpha: float, use_rslora: bool = False
    ) -> None:
        self.layers = layers
        self.r, self.lora_alpha, self.use_rslora = r, lora_alpha, use_rslora
        first = next(iter(layers.values())).weight
        master_dtype = torch.float64 if first.dtype == torch.float64 else torch.float32
        size = sum(r * (layer.in_features + layer.out_features) for layer in layers.values())
        self.weights = nn.Parameter(torch.zeros(size, dtype=master_dtype, device=first.device))
        self.gradient = torch.zeros_like(self.weights.data)
        self.weights.grad = self.gradient
        self._two_precisions = first.dtype != master_dtype
        masters = self.weights.data
        self.compute = torch.zeros_like(masters, dtype=first.dtype) if self._two_precisions else masters
        self.staged = torch.zeros_like(self.compute) if self._two_precisions else self.gradient
        at = 0
        for layer in layers.values():
            at = layer.bind(self, at)

    def initialize(self, seed: int) -> None:
        """PEFT's starting values, drawn on the CPU so that a seed means the same adapter on every device."""
        generator = torch.Generator().manual_seed(seed)
        for layer in self.layers.values():
            bound = 1 / math.sqrt(layer.in_features)  # kaiming_uniform_ with a = √5
            start = torch.empty(layer.r, layer.in_features).uniform_(-bound, bound, generator=generator)
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
        """The adapter as values; the matrices are views of the living ones."""
        return AdapterWeights(
            r=self.r,
            lora_alpha=self.lora_alpha,
            layers={name: LoraPair(layer.lora_A, layer.lora_B) for name, layer in self.layers.items()},
            base_name=base_name,
            use_rslora=self.use_rslora,
        )

    def load(self, adapter: AdapterWeights) -> None:
        """Takes over an adapter's values.

        Raises InvalidAdapter when its layers or shapes are not the model's.
        """
        differing = sorted(set(adapter.layers) ^ set(self.layers))
        if differing:
            raise InvalidAdapter(f"{differing[0]} has LoRA in only one of adapter and model")
        for name, pair in adapter.layers.items():
            layer = self.layers[name]
            for mine, given in ((layer.lora_A, pair.lora_A), (layer.lora_B, pair.lora_B)):
                if mine.shape != given.shape:
                    shapes = f"{list(given.shape)} in the adapter and {list(mine.shape)} in the model"
                    raise InvalidAdapter(f"{name} has shape {shapes}")
                mine.copy_(given)
        self.refresh()

    @property
    def stored_in_out(self) -> bool:
        """Whether the base's layers store [in, out], as GPT-2's do (PEFT's `fan_in_fan_out`)."""
        return any(layer.stored_in_out for layer in self.layers.values())


def add_lora(
    model: nn.Module,
    *,
    r: int,
    lora_alpha: float,
    target_modules: str | Sequence[str] = ALL_LINEAR,
    use_rslora: bool = False,
) -> LoraStack:
    """Puts LoRA on a model's linear layers, in place; the new matrices are zero until `initialize` or `load`.

    `target_modules` is "all-linear" (every linear layer but the head, as PEFT) or names: a layer is
    meant when its path is the name or ends in `.name`. Raises InvalidRequest when a name means no
    linear layer of the model.
    """
    names = _targets(model, target_modules)
    scaling = lora_alpha / (math.sqrt(r) if use_rslora else r)
    layers = {}
    for name in names:
        layers[name] = LoraLinear(model.get_submodule(name), r, scaling)
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, layers[name])
    return LoraStack(layers, r, lora_alpha, use_rslora)


def parameters_per_rank(model: nn.Module, target_modules: str | Sequence[str] = ALL_LINEAR) -> int:
    """Values that each rank of an adapter has on a model without LoRA: all its layers' widths, in and out."""
    names = _targets(model, target_modules)
    return sum(sum(model.get_submodule(name).weight.shape) for name in names)  # type: ignore[arg-type]


def _targets(model: nn.Module, target_modules: str | Sequence[str]) -> list[str]:
    head = getattr(model, "get_output_embeddings", lambda: None)()
    linear = [
        name
        for name, module in model.named_modules()
        if (isinstance(module, nn.Linear) or _is_conv1d(module)) and module is not head
    ]
    if not linear:
        raise InvalidRequest(f"{type(model).__name__} has no linear layers, so LoRA cannot be put on it")
    if target_modules == ALL_LINEAR:
        return linear
    wanted = [target_modules] if isinstance(target_modules, str) else list(target_modules)
    for name in wanted:
        if not any(_means(name, path) for path in linear):
            known = ", ".join(sorted({path.rpartition(".")[2] for path in linear}))
            raise InvalidRequest(
                f"target_modules names {name!r}, which is no linear layer of {type(model).__name__}; "
                f"it has {known}",
                param="target_modules",
            )
    return [path for path in linear if any(_means(name, path) for name in wanted)]


def _means(name: str, path: str) -> bool:
    return path == name or path.endswith("." + name)


def _is_conv1d(module: nn.Module) -> bool:
    """GPT-2's linear layer, which keeps its weight as [in, out]; known by name, not by import."""
    return type(module).__name__ == "Conv1D" and type(module).__module__ == "transformers.pytorch_utils"
