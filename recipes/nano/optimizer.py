"""Muon for the matrices, AdamW for embedding and norms; fp32 masters, bf16 copies for the forward pass."""

from dataclasses import dataclass

import torch

# Newton-Schulz coefficients of "Polar Express" (arXiv:2505.16932): five steps to the nearest orthogonal one
POLAR_STEPS = [
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
]


def orthogonalised(stack: torch.Tensor) -> torch.Tensor:
    """Each wide matrix of the stack with its singular values pushed towards 1."""
    x = (stack / (stack.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(torch.bfloat16)
    for a, b, c in POLAR_STEPS:
        s = x @ x.transpose(1, 2)
        x = a * x + (b * s + c * (s @ s)) @ x
    return x.float()


@dataclass(frozen=True)
class Rates:
    """Peak learning rates and decay."""

    matrix: float = 0.02
    other: float = 3e-3
    weight_decay: float = 0.02
    momentum: float = 0.95
    adam_betas: tuple[float, float] = (0.9, 0.95)


class Optimizer:
    """Holds the masters and their moments; `working` are the tensors that the forward pass reads."""

    def __init__(self, masters: dict[str, torch.Tensor], rates: Rates):
        self.masters, self.rates, self.steps = masters, rates, 0
        self.matrices = [name for name in masters if name.endswith("_proj.weight")]
        self.others = [name for name in masters if name not in set(self.matrices)]
        self.momentum = {name: torch.zeros_like(masters[name]) for name in self.matrices}
        self.moments = {
            name: (torch.zeros_like(masters[name]), torch.zeros_like(masters[name])) for name in self.others
        }
        self.working = {name: self._working_copy(name).requires_grad_() for name in masters}
        self.groups: dict[
            tuple[int, int], list[str]
        ] = {}  # matrices of one shape are orthogonalised together
        for name in self.matrices:
            rows, columns = masters[name].shape
            self.groups.setdefault((min(rows, columns), max(rows, columns)), []).append(name)

    def _working_copy(self, name: str) -> torch.Tensor:
        is_norm = self.masters[name].dim() == 1
        return self.masters[name].clone() if is_norm else self.masters[name].to(torch.bfloat16)

    @torch.no_grad()
    def step(self, share: float) -> None:
        """One update at `share` of the peak rates; clears the gradients."""
        self.steps += 1
        self._step_matrices(share)
        self._step_others(share)
        for name, tensor in self.working.items():
            tensor.data.copy_(self.masters[name])
            tensor.grad = None

    def _step_matrices(self, share: float) -> None:
        rates = self.rates
        for names in self.groups.values():
            updates = []
            for name in names:
                gradient = self.working[name].grad.float()
                self.momentum[name].lerp_(gradient, 1 - rates.momentum)
                update = gradient.lerp(self.momentum[name], rates.momentum)
                updates.append(update.t() if update.shape[0] > update.shape[1] else update)
            for name, update in zip(names, orthogonalised(torch.stack(updates)), strict=True):
                master = self.masters[name]
                rows, columns = master.shape
                update = update.t() if rows > columns else update
                master.mul_(1 - rates.matrix * share * rates.weight_decay)
                master.add_(update, alpha=-rates.matrix * share * max(1.0, rows / columns) ** 0.5)

    def _step_others(self, share: float) -> None:
        beta1, beta2 = self.rates.adam_betas
        for name in self.others:
            gradient = self.working[name].grad.float()
            first, second = self.moments[name]
            first.lerp_(gradient, 1 - beta1)
            second.lerp_(gradient * gradient, 1 - beta2)
            scale = (second / (1 - beta2**self.steps)).sqrt() + 1e-8
            self.masters[name].add_(first / (1 - beta1**self.steps) / scale, alpha=-self.rates.other * share)

    def state(self) -> dict:
        """All that a resumed run needs."""
        return {
            "masters": self.masters,
            "momentum": self.momentum,
            "moments": self.moments,
            "steps": self.steps,
        }

    @torch.no_grad()
    def restore(self, state: dict) -> None:
        """Continues from `state()`."""
        self.steps = state["steps"]
        for name, tensor in state["masters"].items():
            self.masters[name].copy_(tensor)
            self.working[name].data.copy_(tensor)
        for name, tensor in state["momentum"].items():
            self.momentum[name].copy_(tensor)
        for name, pair in state["moments"].items():
            for own, stored in zip(self.moments[name], pair, strict=True):
                own.copy_(stored)
