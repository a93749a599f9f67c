"""Which words of `adapter_config.json` make PEFT put LoRA on exactly our layers.

PEFT wraps every module whose path is a word of `target_modules` or ends in `.word`, and every parameter that
a word of `target_parameters` means in the same way. So a layer's last name is right only where no other
module bears it; where one does, more of the path is written.

For mixtures whose experts transformers fuses while loading, PEFT (0.21) takes the names that the single
experts' layers once had for the fused weights, wherever they stand, and leaves the dense layers of that name
without LoRA. There these layers are named by their weight, as parameters: PEFT then computes the same and
calls the matrices the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from torch import nn

#: What PEFT takes for parts of fused experts: names of Mixtral's and Qwen2-MoE's unfused layers.
_ONCE_EXPERTS = frozenset({"gate", "gate_proj", "up_proj", "down_proj", "w1", "w2", "w3"})


class Targets(NamedTuple):
    """Sorted words for PEFT's config."""

    modules: list[str]
    parameters: list[str]


def last_names(linear: Iterable[str], experts: Iterable[str]) -> Targets:
    """The usual words, for layers whose model is not at hand."""
    return Targets(*(sorted({path.rpartition(".")[2] for path in paths}) for paths in (linear, experts)))


def exact_targets(model: nn.Module, linear: Collection[str], experts: Collection[str]) -> Targets:
    """The shortest words that mean exactly these linear layers and experts' weights of `model`, by path."""
    as_weights = [path for path in linear if path.rpartition(".")[2] in _ONCE_EXPERTS]
    if not as_weights or not _fuses_experts(model):
        as_weights = []
    modules = set(linear).difference(as_weights)
    parameters = {*(f"{path}.weight" for path in as_weights), *experts}
    return Targets(
        _words(modules, (name for name, _ in model.named_modules() if name)),
        _words(parameters, (name for name, _ in model.named_parameters())),
    )


def _words(wanted: Collection[str], all_paths: Iterable[str]) -> list[str]:
    """{a.0.q} of a.0.q, b.0.k -> [q]; {a.0} of a.0, b.0 -> [a.0]."""
    foreign = {ending for path in all_paths if path not in wanted for ending in _endings(path)}
    return sorted({next((e for e in _endings(path) if e not in foreign), path) for path in wanted})


def _endings(path: str) -> Iterator[str]:
    """a.b.2 -> b.2, a.b.2; a number alone says too little"""
    names = path.split(".")
    return (".".join(names[-n:]) for n in range(2 if names[-1].isdecimal() else 1, len(names) + 1))


def _fuses_experts(model: nn.Module) -> bool:
    """Whether transformers fuses single experts' weights when it loads such a model; PEFT asks it too."""
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    conversions = get_checkpoint_conversion_mapping(getattr(model.config, "model_type", None)) or []
    return any(target.endswith("gate_up_proj") for step in conversions for target in step.target_patterns)
