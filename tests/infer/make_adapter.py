"""Random LoRA adapters for any base."""

from __future__ import annotations

import torch
from torch import nn

from tunesmith.model.adapter import AdapterWeights, LoraPair


def random_adapter(
    model: nn.Module, seed: int = 0, *, r: int = 8, scale: float = 0.15, only: tuple[str, ...] = ()
) -> AdapterWeights:
    """An adapter that changes the model's answers; `only` limits it to layers whose names end so."""
    generator = torch.Generator().manual_seed(seed)
    head = model.get_output_embeddings()  # type: ignore[operator]
    layers = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and module is not head and (not only or name.endswith(only)):
            a = torch.randn(r, module.in_features, generator=generator) * module.in_features**-0.5
            b = torch.randn(module.out_features, r, generator=generator) * scale
            layers[name] = LoraPair(a, b)
    return AdapterWeights(r=r, lora_alpha=2 * r, layers=layers)
