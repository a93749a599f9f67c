"""A mixture's experts: two products for each token with the few that its router chose, and LoRA on both.

transformers keeps a layer's experts as three-dimensional parameters and lets their forward pass be chosen by
name (`ExpertsInterface`), so the architectures stay unmodified: `use_routed_experts` selects the one below,
which sorts the tokens by expert and leaves both products to whoever put them on the module. LoRA is a product
of thin matrices for each expert's tokens; no weight's full change is ever made.

Whether a class of experts really computes this is found out by numbers: a small model of the class must give
the same logits with LoRA as its stock experts with the change added to their weights (`why_not_tunable`).

Shapes: T = tokens, k = experts for each, E = experts, S = rows (T · k, or some more), I = in_features,
O = out_features, R = rank.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import nn

from tunesmith.model.base import quiet_transformers
from tunesmith.model.lora_stack import LoraMatrices, LoraStack
from tunesmith.model.twin import VOCABULARY, twins

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: The name under which transformers knows this forward pass.
ROUTED = "tunesmith_routed"
#: Largest relative difference of the logits of a class that is right.
_TOLERANCE = 1e-5
#: The weights of an experts module, in the order of their products.
_FIRST, _LAST = ("gate_up_proj", "up_proj"), "down_proj"


class Routing(NamedTuple):
    """The rows of a product: token-expert pairs, sorted by expert, and some rows that nobody reads."""

    experts: torch.Tensor
    """Each row's expert: [S]."""
    tokens: torch.Tensor
    """Each row's token: [S]."""
    rows: torch.Tensor
    """Where each token's pairs are: [T · k]."""
    spans: list[tuple[int, int, int]]
    """(expert, first row, row after the last) of each expert that has rows."""


class Product(Protocol):
    """What is done with one weight."""

    @property
    def is_idle(self) -> bool:
        """Whether it is the plain product now."""
        ...

    def __call__(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Rows x [S, I], sorted by expert -> [S, O]."""
        ...


class ExpertsWeight(NamedTuple):
    """One three-dimensional parameter of an experts module."""

    module: nn.Module
    name: str

    def matrices(self) -> torch.Tensor:
        """The frozen matrices as [E, O, I], however the class stores them."""
        weight: torch.Tensor = getattr(self.module, self.name).data
        return weight.mT if self.module.is_transposed else weight

    def bias(self) -> torch.Tensor | None:
        """[E, O], or None."""
        return getattr(self.module, f"{self.name}_bias").data if self.module.has_bias else None


def experts_weights(model: nn.Module) -> dict[str, ExpertsWeight]:
    """The weights of all experts that transformers' interface knows, by path, in the model's order."""
    found = {}
    for path, module in model.named_modules():
        if not all(hasattr(module, name) for name in ("has_gate", "has_bias", "is_transposed")):
            continue
        parameters = dict(module.named_parameters(recurse=False))
        names = [name for name, parameter in parameters.items() if parameter.ndim == 3]
        if names == [_FIRST[0 if module.has_gate else 1], _LAST]:
            found.update({f"{path}.{name}": ExpertsWeight(module, name) for name in names})
    return found


def use_routed_experts(model: PreTrainedModel, products: Mapping[str, Product]) -> None:
    """Lets the experts' weights of these paths be multiplied by `products`, the others plainly."""
    from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

    ALL_EXPERTS_FUNCTIONS.register(ROUTED, routed_experts)
    for path, weight in experts_weights(model).items():
        module: Any = weight.module
        stock = ALL_EXPERTS_FUNCTIONS.get(module.config._experts_implementation)
        to_do = module.__dict__.setdefault("routed", _ToDo({}, stock))
        to_do.products[weight.name] = products.get(path) or PlainProduct(weight)
    model.set_experts_implementation(ROUTED)


class _ToDo(NamedTuple):
    """What an experts module is to compute."""

    products: dict[str, Product]
    stock: Callable[..., torch.Tensor] | None
    """The forward pass that was chosen before."""


def routed_experts(
    module: Any, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
) -> torch.Tensor:
    """transformers' signature: hidden_states [T, H], index and weights [T, k] -> [T, H]."""
    products, stock = module.routed
    if stock is not None and all(product.is_idle for product in products.values()):
        return stock(module, hidden_states, top_k_index, top_k_weights)
    first = _FIRST[0 if module.has_gate else 1]
    dtype = getattr(module, first).dtype
    routing = _route(top_k_index, n_experts=getattr(module, first).shape[0], dtype=dtype)
    x = hidden_states.index_select(0, routing.tokens).to(dtype)
    y = products[first](x, routing)
    y = module._apply_gate(y) if module.has_gate else module.act_fn(y)
    y = products[_LAST](y, routing)
    if module.has_post_expert_norm:
        y = module.post_expert_norm(y)
    y = y.index_select(0, routing.rows) * top_k_weights.reshape(-1, 1)
    return y.view(-1, top_k_index.shape[-1], y.shape[-1]).sum(1).to(hidden_states.dtype)


def _route(top_k_index: torch.Tensor, *, n_experts: int, dtype: torch.dtype) -> Routing:
    """Sorts the token-expert pairs of index [T, k] by expert."""
    device, k = top_k_index.device, top_k_index.shape[-1]
    experts, order = top_k_index.reshape(-1).sort(stable=True)
    counts = torch.bincount(experts, minlength=n_experts).tolist()
    compiled = device.type == "cpu" and dtype not in (torch.float32, torch.float64)
    spans, shifts, at, n_pairs = [], [], 0, 0
    for expert, count in enumerate(counts):
        shifts.append(at - n_pairs)
        n_pairs += count
        if count:
            size = _rounded(count) if compiled else count
            spans.append((expert, at, at + size))
            at += size
    places = torch.arange(n_pairs, device=device) + torch.tensor(shifts, device=device)[experts]
    rows = torch.empty_like(order).index_copy_(0, order, places)
    tokens = torch.zeros(at, dtype=torch.int64, device=device).index_copy_(0, places, order // k)
    sizes = torch.tensor([end - start for _, start, end in spans], device=device)
    of_rows = torch.tensor([expert for expert, _, _ in spans], device=device).repeat_interleave(sizes)
    return Routing(of_rows, tokens, rows, spans)


def _rounded(n: int) -> int:
    """Up to one of four sizes per octave. A CPU's bf16 products are compiled for each size that occurs, which
    takes far longer than some rows more: 1 … 8, 10, 12, 14, 16, 20, …"""
    step = 1 << max(0, n.bit_length() - 3)
    return -(-n // step) * step


class PlainProduct:
    """y_e = x_e W_eᵀ + b_e."""

    is_idle = True

    def __init__(self, weight: ExpertsWeight) -> None:
        self.matrices, self.bias = weight.matrices(), weight.bias()
        self.n_experts, self.out_features, self.in_features = self.matrices.shape

    def __call__(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Rows x [S, I], sorted by expert -> [S, O]."""
        return _PlainProduct.apply(x, self, routing)

    def forward(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """The same without a gradient."""
        y = x.new_empty(x.shape[0], self.out_features)
        for expert, start, end in routing.spans:
            torch.mm(x[start:end], self.matrices[expert].t(), out=y[start:end])
        return y if self.bias is None else y.add_(self.bias.index_select(0, routing.experts))

    def backward(self, grad: torch.Tensor, routing: Routing) -> torch.Tensor:
        """The gradient of x, [S, O] -> [S, I]."""
        grad_x = grad.new_empty(grad.shape[0], self.in_features)
        for expert, start, end in routing.spans:
            torch.mm(grad[start:end], self.matrices[expert], out=grad_x[start:end])
        return grad_x


class _PlainProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, product: PlainProduct, routing: Routing) -> torch.Tensor:
        ctx.product, ctx.routing = product, routing
        return product.forward(x, routing)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.product.backward(grads[0], ctx.routing), None, None


class LoraExperts(LoraMatrices):
    """y_e = x_e W_eᵀ + b_e + scaling · (x_e A_eᵀ) B_eᵀ, with W and b frozen in the base's precision."""

    n_experts: int
    is_idle = False

    def __init__(self, weight: ExpertsWeight, r: int, scaling: float) -> None:
        self.base = PlainProduct(weight)
        self.weight = self.base.matrices
        self.n_experts, self.out_features, self.in_features = self.weight.shape
        self.r, self.scaling = r, scaling

    def __call__(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Rows x [S, I], sorted by expert -> [S, O]."""
        return _LoraProduct.apply(x, self._stack[0].weights, self, routing)


class _LoraProduct(torch.autograd.Function):
    """All products as one node; the gradients of A and B go to the stack's staging buffer on the spot."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weights: torch.Tensor, layer: LoraExperts, routing: Routing
    ) -> torch.Tensor:
        y = layer.base.forward(x, routing)
        h_sr = x.new_empty(x.shape[0], layer.r)
        for expert, start, end in routing.spans:
            torch.mm(x[start:end], layer._compute_a[expert].t(), out=h_sr[start:end])
            y[start:end].addmm_(h_sr[start:end], layer._compute_bt[expert], alpha=layer.scaling)
        ctx.save_for_backward(x, h_sr)
        ctx.layer, ctx.routing = layer, routing
        return y

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, None, None, None]:
        x, h_sr = ctx.saved_tensors
        layer: LoraExperts = ctx.layer
        grad_so = grads[0]
        grad_sr = torch.empty_like(h_sr)
        for expert, start, end in ctx.routing.spans:
            torch.mm(grad_so[start:end], layer._compute_bt[expert].t(), out=grad_sr[start:end])
            layer._staged_a[expert].addmm_(grad_sr[start:end].t(), x[start:end], alpha=layer.scaling)
            layer._staged_bt[expert].addmm_(h_sr[start:end].t(), grad_so[start:end], alpha=layer.scaling)
        if not ctx.needs_input_grad[0]:
            return None, None, None, None
        grad_x = layer.base.backward(grad_so, ctx.routing)
        for expert, start, end in ctx.routing.spans:
            grad_x[start:end].addmm_(grad_sr[start:end], layer._compute_a[expert], alpha=layer.scaling)
        return grad_x, None, None, None


_found_out: weakref.WeakKeyDictionary[nn.Module, str | None] = weakref.WeakKeyDictionary()


def why_not_tunable(model: PreTrainedModel) -> str | None:
    """None where LoRA on the experts of this class is right (or there are none), else why it is not."""
    if model not in _found_out:
        _found_out[model] = _find_out(model) if experts_weights(model) else None
    return _found_out[model]


def _find_out(model: PreTrainedModel) -> str | None:
    classes = {type(weight.module) for weight in experts_weights(model).values()}
    reason = "no small model of its class can be built for the proof"
    with quiet_transformers():
        for twin in twins(model):
            weights = experts_weights(twin)
            if {type(weight.module) for weight in weights.values()} != classes:
                reason = "a small model of its class has other experts"
                continue
            try:
                difference, change = _differences(twin, weights)
            except Exception as error:  # it does not run this way; that is an answer
                lines = str(error).splitlines() or [type(error).__name__]
                reason = f"its experts do not run with LoRA ({lines[0]})"
                continue
            if difference <= _TOLERANCE < change:
                return None
            return f"its experts compute something else with LoRA (difference {difference:.0e})"
    return reason


@torch.no_grad()
def _differences(twin: PreTrainedModel, weights: Mapping[str, ExpertsWeight]) -> tuple[float, float]:
    """Relative L2 difference of the logits with LoRA from those of merged weights, and from those without."""
    generator = torch.Generator().manual_seed(0)
    input_ids = torch.randint(3, VOCABULARY, (1, 24), generator=generator)

    def logits() -> torch.Tensor:
        return twin(input_ids=input_ids, use_cache=False).logits

    twin.set_experts_implementation("eager")
    without = logits()
    layers = {path: LoraExperts(weight, r=2, scaling=0.5) for path, weight in weights.items()}
    stack = LoraStack(layers, r=2, lora_alpha=1)
    stack.weights.normal_(std=0.3, generator=generator)
    stack.refresh()
    use_routed_experts(twin, layers)
    with_lora = logits()
    for layer in layers.values():
        layer.weight.add_(layer.lora_B @ layer.lora_A, alpha=layer.scaling)
    twin.set_experts_implementation("eager")
    merged = logits()
    return tuple(float((with_lora - other).norm() / other.norm()) for other in (merged, without))  # type: ignore[return-value]
