"""PEFT's file format for LoRA adapters: `adapter_config.json` and `adapter_model.safetensors`.

What is written here PEFT and vLLM load; what PEFT wrote (plain LoRA of one rank) is read here.
The layers that compute with these weights are `lora.py`'s and `experts.py`'s.

PEFT wraps each targeted parameter of an experts module around the ones before it, so the file's names tell
how deep a matrix lies (`experts.base_layer.lora_A`), and the config which parameters there are.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tunesmith.errors import InvalidAdapter
from tunesmith.model.peft_names import Targets, last_names
from tunesmith.model.whole_folder import whole_folder

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_BASE_LAYER = ".base_layer"
#: Experts' parameters in the order in which PEFT wraps them.
_INNERMOST_FIRST = ("gate_up_proj", "up_proj", "down_proj")
_HEADER_LIMIT_BYTES = 4_000_000
#: Parts of PEFT that change what an adapter computes and that we do not compute.
_FOREIGN = (
    "use_dora",
    "use_qalora",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "trainable_token_indices",
)


class LoraPair(NamedTuple):
    """The two matrices of one linear layer: `y = x Wᵀ + scaling · (x Aᵀ) Bᵀ`, or those of all its experts."""

    lora_A: torch.Tensor  # noqa: N815 (PEFT's name); [r, in_features]; experts': [E · r, in_features]
    lora_B: torch.Tensor  # noqa: N815 (PEFT's name); [out_features, r]; experts': [out_features, r · E]
    n_experts: int | None = None
    """E, where the layer is a parameter of a mixture's experts."""


@dataclass(frozen=True)
class AdapterWeights:
    """One adapter as values."""

    r: int
    """Rank of every pair."""
    lora_alpha: float
    """Strength before division by the rank (or by its root, see `scaling`)."""
    layers: dict[str, LoraPair]
    """Pairs by the layer's path in the base, such as `model.layers.0.self_attn.q_proj`; of experts by their
    parameter's."""
    base_name: str | None = None
    """What `adapter_config.json` calls the base."""
    use_rslora: bool = False
    """Whether alpha is divided by the root of the rank (arXiv:2312.03732)."""

    targets: Targets | None = None
    """What PEFT is told to put LoRA on; None: the layers' last names."""

    @property
    def scaling(self) -> float:
        """The factor on each pair's product."""
        return self.lora_alpha / (self.r**0.5 if self.use_rslora else self.r)


def write_adapter(folder: Path, adapter: AdapterWeights, *, fan_in_fan_out: bool = False) -> None:
    """Writes PEFT's two files as one whole folder; equal weights give equal bytes.

    `fan_in_fan_out` says that the base's layers store [in, out] (GPT-2's Conv1D).
    """
    with whole_folder(folder) as partial:
        save_adapter_files(partial, adapter, fan_in_fan_out=fan_in_fan_out)


def save_adapter_files(folder: Path, adapter: AdapterWeights, *, fan_in_fan_out: bool = False) -> None:
    """The same two files into a folder that exists and that someone else makes whole."""
    linear = [path for path, pair in adapter.layers.items() if pair.n_experts is None]
    targets = adapter.targets or last_names(linear, adapter.layers.keys() - linear)
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": adapter.base_name,
        "r": adapter.r,
        "lora_alpha": adapter.lora_alpha,
        "target_modules": targets.modules,
        "target_parameters": targets.parameters or None,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": fan_in_fan_out,
        "init_lora_weights": True,
        "use_rslora": adapter.use_rslora,
        "use_dora": False,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
        "layers_to_transform": None,
        "layers_pattern": None,
        "inference_mode": True,
        "revision": None,
    }
    tensors = {}
    names = names_in_file(adapter)
    for path, pair in adapter.layers.items():
        name = names[path]
        tensors[f"{_PREFIX}{name}.lora_A.weight"] = pair.lora_A.detach().cpu().contiguous()
        tensors[f"{_PREFIX}{name}.lora_B.weight"] = pair.lora_B.detach().cpu().contiguous()
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def names_in_file(adapter: AdapterWeights) -> dict[str, str]:
    """What PEFT calls each layer: its path; for experts their module's, and how deep the parameter lies."""
    names = {path: path for path in adapter.layers}
    of_module: dict[str, list[str]] = defaultdict(list)
    for path, pair in adapter.layers.items():
        if pair.n_experts is not None:
            of_module[path.rpartition(".")[0]].append(path)
    for module, paths in of_module.items():
        outermost_first = sorted(paths, key=lambda path: -_INNERMOST_FIRST.index(path.rpartition(".")[2]))
        names |= {path: module + _BASE_LAYER * depth for depth, path in enumerate(outermost_first)}
    return names


def read_adapter(folder: Path) -> AdapterWeights:
    """The adapter in `folder`, on the CPU in the precision it was stored in.

    Raises InvalidAdapter, with the folder and the reason, when a file is absent or broken, a matrix has
    another shape than its pair or rank allow or holds NaN, or the adapter uses parts of PEFT that are
    not plain LoRA.
    """
    config = _read_config(folder)
    tensors = _read_tensors(folder)
    r, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(r, int) or isinstance(r, bool) or not 1 <= r <= 1024:
        raise InvalidAdapter(
            f"{folder}: r in {CONFIG_FILE} is {r!r}; it must be a whole number from 1 to 1024"
        )
    if not isinstance(alpha, int | float) or isinstance(alpha, bool):
        raise InvalidAdapter(f"{folder}: lora_alpha in {CONFIG_FILE} is {alpha!r}; it must be a number")
    base_name = config.get("base_model_name_or_path")
    return AdapterWeights(
        r=r,
        lora_alpha=alpha,
        layers=_layers(folder, tensors, r, config.get("target_parameters") or []),
        base_name=base_name if isinstance(base_name, str) else None,
        use_rslora=bool(config.get("use_rslora")),
    )


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidAdapter(f"{folder} holds no {CONFIG_FILE}; give the folder of a LoRA adapter") from None
    except (OSError, ValueError) as error:
        raise InvalidAdapter(f"{path} cannot be read: {error}") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise InvalidAdapter(f"{path} does not describe a LoRA adapter (peft_type LORA)")
    foreign = [key for key in _FOREIGN if config.get(key)]
    if config.get("bias", "none") != "none":
        foreign.append("bias")
    if foreign:
        raise InvalidAdapter(f"{path} uses {', '.join(foreign)}; only plain LoRA of one rank is supported")
    return config


def _read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    path = folder / WEIGHTS_FILE
    try:
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
    except FileNotFoundError:
        raise InvalidAdapter(f"{folder} holds no {WEIGHTS_FILE}; pickled adapters are not read") from None
    except OSError as error:
        raise InvalidAdapter(f"{path} cannot be read: {error}") from error
    if header_bytes > _HEADER_LIMIT_BYTES:  # looked at before anything is mapped
        raise InvalidAdapter(f"{path} is broken: its header claims {header_bytes} bytes")
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise InvalidAdapter(f"{path} is broken: {error}; copy the adapter again") from error


def _layers(
    folder: Path, tensors: dict[str, torch.Tensor], r: int, target_parameters: Iterable[str]
) -> dict[str, LoraPair]:
    layers: dict[str, LoraPair] = {}
    of_experts: dict[str, list[tuple[int, LoraPair]]] = defaultdict(list)
    for name, (a, b) in _halves(folder, tensors).items():
        n_experts, rest = divmod(a.shape[0], r) if a.ndim == b.ndim == 2 else (0, 0)
        if n_experts < 1 or rest or b.shape[1] != a.shape[0]:
            raise InvalidAdapter(
                f"{folder}: {name} has shapes {list(a.shape)} and {list(b.shape)}, which do not fit rank {r}"
            )
        if not (
            a.is_floating_point() and b.is_floating_point() and a.isfinite().all() and b.isfinite().all()
        ):
            raise InvalidAdapter(f"{folder}: {name} holds values that are no finite numbers")
        if n_experts == 1:
            layers[name] = LoraPair(a, b)
        else:
            module = name
            while module.endswith(_BASE_LAYER):
                module = module.removesuffix(_BASE_LAYER)
            of_experts[module].append((len(name) - len(module), LoraPair(a, b, n_experts)))
    for module, pairs in of_experts.items():
        paths = [f"{module}.{name}" for name in _INNERMOST_FIRST]
        meant = [p for p in paths if any(p == t or p.endswith(f".{t}") for t in target_parameters)]
        deepest_first = sorted(pairs, key=lambda found: -found[0])
        if len(meant) != len(pairs):
            raise InvalidAdapter(
                f"{folder}: {module} has {len(pairs)} pairs of matrices that do not fit rank {r}, or "
                f"target_parameters in {CONFIG_FILE} does not say for which experts' parameters they are"
            )
        layers |= {path: pair for path, (_, pair) in zip(meant, deepest_first, strict=True)}
    if not layers:
        raise InvalidAdapter(f"{folder}: {WEIGHTS_FILE} holds no LoRA matrices")
    return layers


def _halves(folder: Path, tensors: dict[str, torch.Tensor]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """lora_A and lora_B by what PEFT calls the layer."""
    halves: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        name, dot, half = key.removesuffix(".weight").rpartition(".")
        if not dot or half not in ("lora_A", "lora_B") or not name.startswith(_PREFIX):
            raise InvalidAdapter(
                f"{folder}: {WEIGHTS_FILE} holds {key}, which is no LoRA matrix of a linear layer"
            )
        halves.setdefault(name.removeprefix(_PREFIX), {})[half] = tensor
    for name, pair in halves.items():
        if len(pair) != 2:
            raise InvalidAdapter(
                f"{folder}: {name} has {next(iter(pair))} alone; a LoRA layer has both matrices"
            )
    return {name: (pair["lora_A"], pair["lora_B"]) for name, pair in halves.items()}
