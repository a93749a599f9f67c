"""The native cross entropy against torch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tunesmith.model import native

pytestmark = pytest.mark.skipif(native.load() is None, reason=native.reason())


def by_torch(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    logits = logits.double().requires_grad_()
    nll = F.cross_entropy(logits, targets, reduction="none")
    nll.sum().backward()
    assert logits.grad is not None
    return nll.detach(), logits.grad


@pytest.mark.parametrize("n_classes", [1, 3, 16, 31, 1000, 4099])
@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float32, 2e-6), (torch.bfloat16, 5e-3)], ids=["fp32", "bf16"]
)
def test_loss_and_gradient_are_those_of_torch(n_classes: int, dtype: torch.dtype, tolerance: float) -> None:
    generator = torch.Generator().manual_seed(n_classes)
    logits = (torch.randn(7, n_classes, generator=generator) * 5).to(dtype)
    targets = torch.randint(n_classes, (7,), generator=generator)
    expected, gradient = by_torch(logits, targets)
    kernel = native.load()
    assert kernel is not None
    nll, correct = kernel.cross_entropy(logits.clone(), targets, gradient=False)
    torch.testing.assert_close(nll.double(), expected, rtol=2e-6, atol=2e-6)
    assert torch.equal(correct, logits.float().argmax(-1) == targets)
    again, _ = kernel.cross_entropy(logits, targets, gradient=True)
    assert torch.equal(again, nll)
    assert float((logits.double() - gradient).norm()) <= tolerance * float(gradient.norm()) + 1e-7


def test_of_equal_largest_logits_the_first_is_the_choice() -> None:
    kernel = native.load()
    assert kernel is not None
    logits = torch.tensor([[1.0, 2.0, 2.0], [1.0, 2.0, 2.0]])
    _, correct = kernel.cross_entropy(logits, torch.tensor([1, 2]), gradient=False)
    assert correct.tolist() == [True, False]


@pytest.mark.parametrize("place", [0, 20, 39])
def test_a_nan_reaches_the_loss(place: int) -> None:
    kernel = native.load()
    assert kernel is not None
    logits = torch.randn(2, 40)
    logits[1, place] = float("nan")
    nll, _ = kernel.cross_entropy(logits, torch.tensor([5, 5]), gradient=True)
    assert nll[0].isfinite() and nll[1].isnan()


def test_the_same_bytes_come_out_of_any_number_of_threads() -> None:
    kernel = native.load()
    assert kernel is not None
    logits = torch.randn(50, 3000).bfloat16()
    targets = torch.randint(3000, (50,))
    results, before = [], torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        copy = logits.clone()
        results.append((*kernel.cross_entropy(copy, targets, gradient=True), copy))
    torch.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("target", [-1, 3])
def test_a_target_outside_the_vocabulary_is_refused(target: int) -> None:
    kernel = native.load()
    assert kernel is not None
    with pytest.raises(ValueError, match="from 0 to 2"):
        kernel.cross_entropy(torch.zeros(1, 3), torch.tensor([target]), gradient=False)
