"""The native library's Python face: tensors in, tensors out.

Attention over a packed row whose tokens form a forest of shared prefixes, in depth-first order: a token sees
the tokens of its own node up to itself and every token of the node's ancestors. Autograd, attention sinks and
transformers' calling convention are the caller's.

Shapes: T = tokens in the row, H = query heads, K = key/value heads (H is a multiple of K), D = width of
queries and keys, Dv = width of values.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import torch

from tunesmith.model.native.cross_entropy import CrossEntropy
from tunesmith.model.native.elementwise import Elementwise

#: The ways to compute in bf16, with the library's names for them.
_CORES = {"amx": 4, "avx512_bf16": 2, "float": 1}
_LARGEST_WIDTH = 1024
_FAULTS = {
    1: "nodes must be in preorder, cover the row, and lie within their parents",
    3: "the library has no such core",
}


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("row_stride", ctypes.c_int64), ("head_stride", ctypes.c_int64)]

    @classmethod
    def of(cls, tensor: torch.Tensor) -> _Tensor:
        return cls(tensor.data_ptr(), tensor.stride(0), tensor.stride(1))


_TENSORS = ("q", "k", "v", "out", "grad_out", "grad_q", "grad_k", "grad_v")
_INTEGERS = (
    "n_nodes", "n_tokens", "n_heads", "n_kv_heads", "width", "value_width", "window", "n_threads", "is_bf16",
    "core",
)  # fmt: skip


class _Call(ctypes.Structure):
    """`struct Attention` of attention.h."""

    _fields_ = [
        *((name, _Tensor) for name in _TENSORS),
        *((name, ctypes.c_void_p) for name in ("lse", "nodes", "positions")),
        *((name, ctypes.c_int32) for name in _INTEGERS),
        *((name, ctypes.c_float) for name in ("scale", "softcap")),
    ]


class Kernel:
    """Attention on CPU tensors, in bf16 or fp32, forward and backward.

    Results depend on the inputs and the number of threads alone, to the last bit.
    """

    def __init__(self, library: ctypes.CDLL, core: str | None = None) -> None:
        """`core` is one of `cores(library)`, by default the fastest; fp32 has only one way."""
        self._forward = library.tunesmith_attention_forward
        self._backward = library.tunesmith_attention_backward
        self._forward.argtypes = self._backward.argtypes = [ctypes.POINTER(_Call)]
        assert library.tunesmith_attention_size() == ctypes.sizeof(_Call)
        assert core is None or core in cores(library)
        self.core = core or next(name for name, bit in _CORES.items() if bit == library.tunesmith_best_core())
        """How bf16 is multiplied: "amx", "avx512_bf16" or "float"."""
        _use_the_openmp_of_torch(library)
        self.cross_entropy = CrossEntropy(library)
        self.elementwise = Elementwise(library)

    def forward(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        nodes: torch.Tensor,
        positions: torch.Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        num_threads: int | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """q [T, H, D], k [T, K, D], v [T, K, Dv] -> out [T, H, Dv] in their dtype, lse fp32 [H, T].

        `nodes` int32 [n, 4] has rows (start, end, subtree_end, parent) in preorder, `positions` int32 [T] the
        tokens' places in their sequences. With `window` a token sees only keys less than that many positions
        back; with `softcap` scores are softcap · tanh(score / softcap). `num_threads` is by default torch's.
        Raises ValueError for tensors that do not fit.
        """
        out = torch.empty((q.shape[0], q.shape[1], v.shape[-1]), dtype=q.dtype)
        lse = torch.empty((q.shape[1], q.shape[0]), dtype=torch.float32)
        tensors = {"q": q, "k": k, "v": v, "out": out}
        self._run(self._forward, tensors, lse, nodes, positions, scale, window, softcap, num_threads)
        return out, lse

    def backward(
        self,
        grad_out: torch.Tensor,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        out: torch.Tensor,
        lse: torch.Tensor,
        nodes: torch.Tensor,
        positions: torch.Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        num_threads: int | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Gradients for q [T, H, D], k [T, K, D] and v [T, K, Dv], given that for out [T, H, Dv].

        `out` and `lse` may have been merged with attention sinks since `forward`; the rest as there.
        """
        grads = [torch.empty(x.shape, dtype=x.dtype) for x in (q, k, v)]
        tensors = {"q": q, "k": k, "v": v, "out": out, "grad_out": grad_out}
        tensors |= dict(zip(("grad_q", "grad_k", "grad_v"), grads, strict=True))
        self._run(self._backward, tensors, lse, nodes, positions, scale, window, softcap, num_threads)
        return grads[0], grads[1], grads[2]

    def _run(
        self,
        function: Any,
        tensors: dict[str, torch.Tensor],
        lse: torch.Tensor,
        nodes: torch.Tensor,
        positions: torch.Tensor,
        scale: float,
        window: int | None,
        softcap: float | None,
        num_threads: int | None,
    ) -> None:
        _check(tensors, lse, nodes, positions)
        n_tokens, n_heads, width = tensors["q"].shape
        if n_tokens == 0:
            return
        # a tensor whose last dimension has gaps is copied; the dictionary keeps the copy alive
        tensors = {name: x if x.stride(-1) == 1 else x.contiguous() for name, x in tensors.items()}
        lse, nodes, positions = lse.contiguous(), nodes.contiguous(), positions.contiguous()
        call = _Call(
            **{name: _Tensor.of(x) for name, x in tensors.items()},
            lse=lse.data_ptr(),
            nodes=nodes.data_ptr(),
            positions=positions.data_ptr(),
            n_nodes=len(nodes),
            n_tokens=n_tokens,
            n_heads=n_heads,
            n_kv_heads=tensors["k"].shape[1],
            width=width,
            value_width=tensors["v"].shape[2],
            window=window or 0,
            n_threads=num_threads or torch.get_num_threads(),
            is_bf16=tensors["q"].dtype == torch.bfloat16,
            core=_CORES[self.core],
            scale=scale,
            softcap=softcap or 0.0,
        )
        status = function(ctypes.byref(call))
        if status == 2:
            raise MemoryError("the native attention found no memory for its tiles")
        if status != 0:
            raise ValueError(_FAULTS[status])


def cores(library: ctypes.CDLL) -> list[str]:
    """The ways to compute in bf16 that the library and this CPU have."""
    have = library.tunesmith_cores()
    return [name for name, bit in _CORES.items() if have & bit]


def _check(
    tensors: dict[str, torch.Tensor], lse: torch.Tensor, nodes: torch.Tensor, positions: torch.Tensor
) -> None:
    q, k, v = (tensors[name] for name in "qkv")
    if q.dtype not in (torch.bfloat16, torch.float32):
        raise ValueError(f"q is {q.dtype}; the native attention computes in bfloat16 and float32")
    n_tokens, n_heads, width = q.shape
    n_kv, value_width = k.shape[1], v.shape[-1]
    if n_kv == 0 or n_heads % n_kv:
        raise ValueError(f"{n_heads} query heads cannot share {n_kv} key heads evenly")
    if not (0 < width <= _LARGEST_WIDTH and 0 < value_width <= _LARGEST_WIDTH):
        raise ValueError(f"heads are {width} and {value_width} wide; 1 to {_LARGEST_WIDTH} is possible")
    query, key, value, out = (
        (n_tokens, n_heads, width), (n_tokens, n_kv, width), (n_tokens, n_kv, value_width),
        (n_tokens, n_heads, value_width),
    )  # fmt: skip
    shapes = {"q": query, "k": key, "v": value, "out": out, "grad_out": out}
    shapes |= {"grad_q": query, "grad_k": key, "grad_v": value}
    for name, tensor in tensors.items():
        _check_one(name, tensor, shapes[name], q.dtype)
    _check_one("lse", lse, (n_heads, n_tokens), torch.float32)
    _check_one("nodes", nodes, (len(nodes), 4), torch.int32)
    _check_one("positions", positions, (n_tokens,), torch.int32)


def _check_one(name: str, tensor: torch.Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if tuple(tensor.shape) != shape or tensor.dtype != dtype or tensor.device.type != "cpu":
        found = f"{tensor.dtype} {list(tensor.shape)} on {tensor.device.type}"
        raise ValueError(f"{name} must be {dtype} {list(shape)} on cpu; it is {found}")


def _use_the_openmp_of_torch(library: ctypes.CDLL) -> None:
    """Hands over the entry points of the OpenMP runtime that torch has loaded; without them, one thread."""
    ours = str(Path(torch.__file__).parent)
    maps = Path("/proc/self/maps").read_text().splitlines()
    mapped = {line.split(maxsplit=5)[5] for line in maps if "omp" in line}
    for path in sorted(mapped, key=lambda path: not path.startswith(ours)):
        if not Path(path).name.startswith(("libgomp", "libiomp", "libomp")):
            continue
        runtime = ctypes.CDLL(path)  # it is there already: this gives a handle and loads nothing
        if hasattr(runtime, "GOMP_parallel") and hasattr(runtime, "omp_get_thread_num"):
            entries = (runtime.GOMP_parallel, runtime.omp_get_thread_num)
            library.tunesmith_use_openmp(*(ctypes.cast(entry, ctypes.c_void_p) for entry in entries))
            return
