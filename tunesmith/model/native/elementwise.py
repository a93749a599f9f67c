"""RMSNorm, SwiGLU and rotary embedding by the native library: tensors in, tensors out.

Values are computed in fp32 and rounded where transformers' layers round between two operations.

Shapes: N = rows, D = width (a multiple of `lanes`), H = heads.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch


def _structure(pointers: str, integers: str, floats: str = "", flags: str = "") -> type[ctypes.Structure]:
    fields: list[tuple[str, Any]] = [(name, ctypes.c_void_p) for name in pointers.split()]
    fields += [(name, ctypes.c_int64) for name in integers.split()]
    fields += [(name, ctypes.c_float) for name in floats.split()]
    fields += [(name, ctypes.c_int32) for name in f"{flags} is_bf16 n_threads".split()]
    return type("Call", (ctypes.Structure,), {"_fields_": fields})


#: The structures of elementwise.cpp.
_RMS_NORM = _structure("x weight grad_out out rstd", "n_rows width", "eps")
_SWIGLU = _structure("gate up grad_out out grad_gate grad_up", "n_rows width")
_ROTARY = _structure("x cos sin out", "n_rows n_heads width row_stride head_stride", flags="is_backward")


class Elementwise:
    """The library's functions, for bf16 and fp32."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self.lanes: int = library.tunesmith_lanes()
        """Widths must be multiples of this."""

    def rms_norm(
        self, x: torch.Tensor, weight: torch.Tensor, eps: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """x [..., D] and weight [D] -> x / rms(x) · weight, and 1 / rms as fp32 [N]."""
        x = x.contiguous()
        out, rstd = torch.empty_like(x), torch.empty(x.numel() // x.shape[-1], dtype=torch.float32)
        self._rms_norm("forward", x, weight, None, out, rstd, eps)
        return out, rstd

    def rms_norm_backward(
        self, grad_out: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, rstd: torch.Tensor
    ) -> torch.Tensor:
        """The gradient for x, with the weight frozen."""
        grad_x = torch.empty_like(x)
        self._rms_norm("backward", x, weight, grad_out.contiguous(), grad_x, rstd, 0.0)
        return grad_x

    def swiglu(self, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        """silu(gate) · up, both [..., D] and contiguous."""
        out = torch.empty_like(gate)
        self._call(_SWIGLU, "swiglu_forward", gate, gate=gate, up=up, out=out, **_rows(gate))
        return out

    def swiglu_backward(
        self, grad_out: torch.Tensor, gate: torch.Tensor, up: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The gradients for gate and up."""
        grad_gate, grad_up = torch.empty_like(gate), torch.empty_like(up)
        tensors = {"gate": gate, "up": up, "grad_out": grad_out.contiguous()}
        tensors |= {"grad_gate": grad_gate, "grad_up": grad_up}
        self._call(_SWIGLU, "swiglu_backward", gate, **tensors, **_rows(gate))
        return grad_gate, grad_up

    def rotary(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *, backward: bool = False
    ) -> torch.Tensor:
        """x [N, H, D], cos and sin [N, D] -> x · cos + rotate_half(x) · sin as [N, H, D], contiguous.

        With `backward` x is the gradient of that, and what comes out the gradient of its x.
        """
        x = x if x.stride(-1) == 1 else x.contiguous()
        out = torch.empty(x.shape, dtype=x.dtype)
        tensors = {"x": x, "cos": cos.contiguous(), "sin": sin.contiguous(), "out": out}
        n_rows, n_heads, width = x.shape
        sizes = {"n_rows": n_rows, "n_heads": n_heads, "width": width, "is_backward": backward}
        strides = {"row_stride": x.stride(0), "head_stride": x.stride(1)}
        self._call(_ROTARY, "rotary", x, **tensors, **sizes, **strides)
        return out

    def _rms_norm(
        self,
        direction: str,
        x: torch.Tensor,
        weight: torch.Tensor,
        grad_out: torch.Tensor | None,
        out: torch.Tensor,
        rstd: torch.Tensor,
        eps: float,
    ) -> None:
        tensors = {"x": x, "weight": weight, "out": out, "rstd": rstd}
        if grad_out is not None:
            tensors["grad_out"] = grad_out
        self._call(_RMS_NORM, f"rms_norm_{direction}", x, **tensors, **_rows(x), eps=eps)

    def _call(self, structure: type[ctypes.Structure], name: str, like: torch.Tensor, **values: Any) -> None:
        for key, value in values.items():
            if not isinstance(value, torch.Tensor):
                continue
            assert value.device.type == "cpu" and value.dtype in (like.dtype, torch.float32), key
            values[key] = value.data_ptr()
        call = structure(**values, is_bf16=like.dtype == torch.bfloat16, n_threads=torch.get_num_threads())
        getattr(self._library, f"tunesmith_{name}")(ctypes.byref(call))


def _rows(x: torch.Tensor) -> dict[str, int]:
    return {"n_rows": x.numel() // x.shape[-1], "width": x.shape[-1]}
