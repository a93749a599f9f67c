"""Layers of transformers' models computed by the native library: RMSNorm, SwiGLU and rotary embedding.

Each is a chain of operations over the same values, which torch reads and writes anew for each. `fuse` looks
for layers of these kinds in a loaded model, tries each kind against the library on a few values, and only
where both agree lets the library compute it, in this model alone. Everything else stays transformers'. The
probe (`packed/probe.py`) then judges the whole.

Shapes: T = tokens, H = heads, D = width.
"""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from tunesmith.model import native
from tunesmith.model.native_attention import native_is_used

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ROTARY = "apply_rotary_pos_emb"
#: One entry for each fused pass in progress; the rotary function looks here.
_passes: list[bool] = []


def fuse(model: PreTrainedModel) -> None:
    """Lets the native library compute what it can in this model; does nothing where there is none."""
    if not native_is_used(torch.device("cpu"), torch.float32):
        return
    judged: dict[Any, bool] = {}
    for module in model.modules():
        kind = type(module)
        eps = getattr(module, "variance_epsilon", None)
        if kind.__name__.endswith("RMSNorm") and isinstance(eps, float):
            if judged.setdefault((kind, "norm"), _is_rms_norm(module)):
                module.forward = _norm_forward(module, module.forward, eps)
        elif all(hasattr(module, name) for name in ("gate_proj", "up_proj", "down_proj", "act_fn")):
            if judged.setdefault((kind, type(module.act_fn)), _is_swiglu(module)):
                module.forward = _mlp_forward(module, module.forward)
        elif hasattr(module, "layer_idx"):
            _wrap_rotary(sys.modules[kind.__module__])


@contextlib.contextmanager
def fused_pass() -> Iterator[None]:
    """Within it rotary embeddings are the library's; outside, those of transformers, for everybody else."""
    _passes.append(True)
    try:
        yield
    finally:
        _passes.pop()


def _fits(x: torch.Tensor, width: int) -> bool:
    kernel = native.load() if native_is_used(x.device, x.dtype) else None
    return kernel is not None and width % kernel.elementwise.lanes == 0 and x.numel() > 0


# -- RMSNorm ----------------------------------------------------------------------------------------------


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
        out, rstd = _library().rms_norm(x, weight, eps)
        ctx.save_for_backward(x.contiguous(), weight, rstd)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        x, weight, rstd = ctx.saved_tensors
        return _library().rms_norm_backward(grads[0], x, weight, rstd), None, None


def _norm_forward(module: nn.Module, stock: Callable[..., Any], eps: float) -> Callable[..., Any]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        weight = module.weight
        if not isinstance(weight, torch.Tensor) or weight.requires_grad or weight.dtype != x.dtype:
            return stock(x)
        return _RmsNorm.apply(x, weight, eps) if _fits(x, x.shape[-1]) else stock(x)

    return forward


def _is_rms_norm(module: nn.Module) -> bool:
    """Whether this layer is x / rms(x) · weight, as Llama's; Gemma's, for one, adds 1 to the weight."""
    try:
        twin = copy.deepcopy(module).float()
        weight, eps = twin.weight, twin.variance_epsilon
        assert isinstance(weight, torch.Tensor) and isinstance(eps, float)
        with torch.no_grad():
            weight.copy_(torch.linspace(0.5, 1.5, weight.shape[-1]))
            x = _values(3, weight.shape[-1])
            expected = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight
            return weight.ndim == 1 and torch.allclose(twin(x), expected, atol=1e-5)
    except Exception:  # a layer of another kind may refuse in any way
        return False


# -- SwiGLU -----------------------------------------------------------------------------------------------


class _SwiGlu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        gate, up = gate.contiguous(), up.contiguous()
        ctx.save_for_backward(gate, up)
        return _library().swiglu(gate, up)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return _library().swiglu_backward(grads[0], *ctx.saved_tensors)


def _mlp_forward(module: Any, stock: Callable[..., Any]) -> Callable[..., Any]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        if not native_is_used(x.device, x.dtype) or x.numel() == 0:
            return stock(x)
        gate, up = module.gate_proj(x), module.up_proj(x)
        inner = _SwiGlu.apply(gate, up) if _fits(gate, gate.shape[-1]) else module.act_fn(gate) * up
        return module.down_proj(inner)

    return forward


def _is_swiglu(module: Any) -> bool:
    """Whether this layer is down(silu(gate(x)) · up(x)), with any three linear layers in their places."""
    gate, up, down = (_values(8, 8) + i for i in range(3))
    stand_in = SimpleNamespace(
        gate_proj=lambda x: x @ gate, up_proj=lambda x: x @ up, down_proj=lambda x: x @ down
    )
    stand_in.act_fn, x = module.act_fn, _values(3, 8)
    try:
        with torch.no_grad():
            found = type(module).forward(stand_in, x)
            return torch.allclose(found, (F.silu(x @ gate) * (x @ up)) @ down, rtol=1e-4, atol=1e-4)
    except Exception:  # a layer of another kind may refuse in any way
        return False


# -- rotary embedding -------------------------------------------------------------------------------------


class _Rotary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(cos, sin)
        return _library().rotary(x[0].transpose(0, 1), cos[0], sin[0]).transpose(0, 1)[None]

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        rows = grads[0][0].transpose(0, 1)
        return _library().rotary(rows, cos[0], sin[0], backward=True).transpose(0, 1)[None], None, None


def _wrap_rotary(modeling: ModuleType) -> None:
    """Puts a door before a family's rotary function that leads to the library in fused passes only."""
    stock = getattr(modeling, _ROTARY, None)
    if stock is None or hasattr(stock, "stock") or not _is_rotary(stock):
        return

    def apply_rotary_pos_emb(
        q: torch.Tensor, k: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *rest: Any, **options: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        usual = not rest and not options and q.ndim == 4 and len(q) == len(cos) == 1
        whole = usual and q.shape[-1] == k.shape[-1] == cos.shape[-1] and cos.shape[1] == q.shape[2]
        if _passes and whole and cos.dtype == q.dtype and _fits(q, q.shape[-1] // 2):
            return _Rotary.apply(q, cos, sin), _Rotary.apply(k, cos, sin)
        return stock(q, k, cos, sin, *rest, **options)

    apply_rotary_pos_emb.stock = stock  # type: ignore[attr-defined]
    setattr(modeling, _ROTARY, apply_rotary_pos_emb)


def _is_rotary(function: Callable[..., Any]) -> bool:
    """Whether it is x · cos + rotate_half(x) · sin over whole heads; some families rotate other pairs."""
    q, k = _values(2, 3, 8)[None], _values(1, 3, 8)[None]
    cos, sin = _values(3, 8)[None], _values(3, 8)[None] + 1

    def expected(x: torch.Tensor) -> torch.Tensor:
        turned = torch.cat((-x[..., 4:], x[..., :4]), dim=-1)
        return x * cos[:, None] + turned * sin[:, None]

    try:
        pairs = zip(function(q, k, cos, sin), (expected(q), expected(k)), strict=True)
        return all(torch.allclose(found, wanted, atol=1e-5) for found, wanted in pairs)
    except Exception:  # a function of another kind may refuse in any way
        return False


def _library() -> Any:
    kernel = native.load()
    assert kernel is not None
    return kernel.elementwise


def _values(*shape: int) -> torch.Tensor:
    """Some fixed values, none like another."""
    n = torch.Size(shape).numel()
    return torch.sin(torch.arange(n, dtype=torch.float32) * 1.7 + 0.3).view(shape)
