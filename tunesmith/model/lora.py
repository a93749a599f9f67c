"""LoRA layers (arXiv:2106.09685): a frozen linear layer and a trainable product of two thin matrices.

`add_lora` swaps a model's linear layers in place, lets a mixture's experts compute with LoRA too
(`experts.py`), and gives the `LoraStack` that owns all matrices of the adapter.

Shapes: T = tokens, I = in_features, O = out_features, R = rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from tunesmith.errors import InvalidRequest
from tunesmith.model.experts import LoraExperts, experts_weights, use_routed_experts, why_not_tunable
from tunesmith.model.lora_stack import LoraMatrices, LoraStack
from tunesmith.model.peft_names import exact_targets

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ALL_LINEAR = "all-linear"
#: Families whose state-space layers, where they have a fused kernel, read the weight of this layer past its
#: forward; PEFT refuses adapters that have LoRA there.
_READ_PAST_FORWARD = "out_proj"
_WITH_MAMBA_KERNEL = frozenset({"falcon_h1", "falcon_mamba", "mamba", "mamba2", "nemotron_h"})


class LoraLinear(LoraMatrices, nn.Module):
    """`y = x Wᵀ + b + scaling · (x Aᵀ) Bᵀ`, with W and b frozen in the base's precision.

    `lora_A` and `lora_B` are the masters that the optimizer moves. Their copies in compute precision
    and the places of their gradients are the `LoraStack`'s, which `bind`s the layer to them.
    """

    def __init__(self, base: nn.Module, r: int, scaling: float) -> None:
        super().__init__()
        self.stored_in_out = is_conv1d(base)
        self.weight = base.weight  # type: ignore[assignment]
        self.bias: torch.Tensor | None = base.bias  # type: ignore[assignment]
        self.out_features, self.in_features = self.matrix.shape
        self.r = r
        self.scaling = scaling

    @property
    def matrix(self) -> torch.Tensor:
        """W as [O, I], however the base stores it."""
        return self.weight.t() if self.stored_in_out else self.weight

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


def add_lora(
    model: PreTrainedModel,
    *,
    r: int,
    lora_alpha: float,
    target_modules: str | Sequence[str] = ALL_LINEAR,
    use_rslora: bool = False,
) -> LoraStack:
    """Puts LoRA on a model's layers, in place; the new matrices are zero until `initialize` or `load`.

    `target_modules` is "all-linear" (every linear layer but the head, and a mixture's experts where that is
    proved right) or names: a linear layer is meant when its path is the name or ends in `.name`, an experts'
    weight when the name says whose it is too (`experts.down_proj`). Raises InvalidRequest when a name means
    no such layer of the model.
    """
    linear, experts = _targets(model, target_modules)
    scaling = lora_alpha / (math.sqrt(r) if use_rslora else r)
    targets = exact_targets(model, linear, experts)
    stored_in_out = any(is_conv1d(model.get_submodule(path)) for path in linear)
    layers: dict[str, LoraMatrices] = {}
    for path in linear:
        layers[path] = layer = LoraLinear(model.get_submodule(path), r, scaling)
        parent, _, leaf = path.rpartition(".")
        setattr(model.get_submodule(parent), leaf, layer)
    if experts:
        weights = experts_weights(model)
        products = {path: LoraExperts(weights[path], r, scaling) for path in experts}
        use_routed_experts(model, products)
        layers |= products
    return LoraStack(layers, r, lora_alpha, use_rslora, targets=targets, stored_in_out=stored_in_out)


def parameters_per_rank(model: PreTrainedModel, target_modules: str | Sequence[str] = ALL_LINEAR) -> int:
    """Values that each rank of an adapter has on a model without LoRA: all its layers' widths, in and out."""
    linear, experts = _targets(model, target_modules)
    shapes = [model.get_parameter(f"{path}.weight").shape for path in linear]
    shapes += [model.get_parameter(path).shape for path in experts]
    return sum(math.prod(shape[:-2]) * (shape[-2] + shape[-1]) for shape in shapes)


def _targets(model: PreTrainedModel, target_modules: str | Sequence[str]) -> tuple[list[str], list[str]]:
    """Paths of linear layers and of experts' weights."""
    head = getattr(model, "get_output_embeddings", lambda: None)()
    linear = [
        path for path, module in model.named_modules() if is_linear_layer(module) and module is not head
    ]
    experts = list(experts_weights(model))
    if not linear:
        raise InvalidRequest(f"{type(model).__name__} has no linear layers, so LoRA cannot be put on it")
    if target_modules == ALL_LINEAR:
        if getattr(model.config, "model_type", None) in _WITH_MAMBA_KERNEL:
            linear = [path for path in linear if not _means(_READ_PAST_FORWARD, path)]
        return linear, [] if why_not_tunable(model) else experts
    wanted = [target_modules] if isinstance(target_modules, str) else list(target_modules)
    for name in wanted:
        if not any(_means(name, path) for path in linear) and not any(_says(name, path) for path in experts):
            known = ", ".join(sorted({path.rpartition(".")[2] for path in linear}))
            known += "".join(sorted({f", {'.'.join(path.split('.')[-2:])}" for path in experts}))
            raise InvalidRequest(
                f"target_modules names {name!r}, which is no linear layer of {type(model).__name__}; "
                f"it has {known}",
                param="target_modules",
            )
    chosen = [path for path in experts if any(_says(name, path) for name in wanted)]
    if chosen and (reason := why_not_tunable(model)):
        raise InvalidRequest(
            f"target_modules names experts of {type(model).__name__}, which cannot be tuned: {reason}",
            param="target_modules",
        )
    return [path for path in linear if any(_means(name, path) for name in wanted)], chosen


def _means(name: str, path: str) -> bool:
    return path == name or path.endswith("." + name)


def _says(name: str, path: str) -> bool:
    """`down_proj` alone means linear layers."""
    return "." in name and _means(name, path)


def is_linear_layer(module: nn.Module) -> bool:
    """Whether the module computes `x Wᵀ + b`. Classes derived from nn.Linear may do it in their own words, as
    Falcon's, or do something else, as Llama 4's router: these are tried."""
    if type(module).forward is nn.Linear.forward or is_conv1d(module):
        return True
    return isinstance(module, nn.Linear) and _gives_the_product(module)


@torch.no_grad()
def _gives_the_product(layer: nn.Linear) -> bool:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, layer.in_features, generator=generator).to(layer.weight)
    try:
        y = layer(x)
        return bool(torch.allclose(y, F.linear(x, layer.weight, layer.bias), rtol=0.02, atol=0.02))
    except Exception:  # whatever it does, it is not that
        return False


def is_conv1d(module: nn.Module) -> bool:
    """GPT-2's linear layer, which keeps its weight as [in, out]; known by name, not by import."""
    return type(module).__name__ == "Conv1D" and type(module).__module__ == "transformers.pytorch_utils"
