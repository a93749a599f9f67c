"""Cross entropy of logits and its gradient by the native library, in three passes over each row."""

from __future__ import annotations

import ctypes

import torch

_POINTERS = ("logits", "targets", "nll", "correct")


class _Call(ctypes.Structure):
    """`struct CrossEntropy` of cross_entropy.cpp."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int64) for name in ("n_rows", "n_classes")),
        *((name, ctypes.c_int32) for name in ("is_bf16", "wants_gradient", "n_threads")),
    ]


class CrossEntropy:
    """The library's function for logits in bf16 or fp32."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._run = library.tunesmith_cross_entropy
        self._run.argtypes = [ctypes.POINTER(_Call)]
        self._run.restype = None

    def __call__(
        self, logits: torch.Tensor, targets: torch.Tensor, *, gradient: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """logits [N, V] and targets int64 [N] -> nll fp32 [N] in nats, correct bool [N].

        With `gradient` the logits are overwritten by softmax - onehot, each row's gradient of its nll.
        Raises ValueError for tensors that do not fit.
        """
        n_rows, n_classes = logits.shape
        fits = logits.is_contiguous() and logits.dtype in (torch.bfloat16, torch.float32)
        if not fits or targets.shape != (n_rows,) or targets.dtype != torch.int64:
            raise ValueError("logits must be contiguous bf16 or fp32 [N, V], and targets int64 [N]")
        if n_rows and not (int(targets.min()) >= 0 and int(targets.max()) < n_classes):
            raise ValueError(f"targets must be ids from 0 to {n_classes - 1}")
        targets = targets.contiguous()
        nll = torch.empty(n_rows, dtype=torch.float32)
        correct = torch.empty(n_rows, dtype=torch.bool)
        tensors = dict(zip(_POINTERS, (logits, targets, nll, correct), strict=True))
        call = _Call(
            **{name: tensor.data_ptr() for name, tensor in tensors.items()},
            n_rows=n_rows,
            n_classes=n_classes,
            is_bf16=logits.dtype == torch.bfloat16,
            wants_gradient=gradient,
            n_threads=torch.get_num_threads(),
        )
        self._run(ctypes.byref(call))
        return nll, correct
