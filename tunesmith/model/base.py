"""A base model's weights become a transformers module on a device.

Architectures are transformers' own classes, unmodified. Weights are safetensors only, code from a
model's folder is never run, and a weight that the file does not hold is an error, not a random number.
What a base *means* (context, template, digest) is `data/base.py`'s.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError

from tunesmith.errors import BaseUnavailable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ONE_THREAD_BELOW = 20_000_000
"""Parameters below which one CPU thread is the fastest: the matrices are so small that threads spend more
time waiting for each other than computing (a run of nano on two idle cores: 24 s with one thread, 47 s
with two), and beside other work the wait makes a step several times slower still."""
DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32, "float64": torch.float64}


def use_threads(model: PreTrainedModel, at_most: int | None) -> None:
    """Sets torch's CPU threads for a model: one for a small one, else `at_most` (None: torch's choice)."""
    if sum(parameter.numel() for parameter in model.parameters()) < ONE_THREAD_BELOW:
        torch.set_num_threads(1)
    elif at_most is not None:
        torch.set_num_threads(at_most)


def pick_device(name: str = "auto") -> torch.device:
    """The torch device called `name`; `auto` is the GPU where torch sees one, else the CPU.

    Raises BaseUnavailable when the named device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BaseUnavailable(f"device is {name}, but torch sees no CUDA GPU; use device cpu or auto")
    return device


def load_model(
    folder: Path, *, dtype: str | torch.dtype = "bfloat16", device: str | torch.device = "auto"
) -> PreTrainedModel:
    """The causal language model in `folder`: in evaluation mode (no dropout), all weights frozen.

    `dtype` is a key of DTYPES, or `auto` for the precision that the weights are stored in.

    Raises BaseUnavailable, with a sentence that names the folder and what to do, when the folder is
    absent, holds no safetensors weights, lacks some of the model's weights, or is of a class that
    transformers does not know.
    """
    _check_folder(folder)
    torch_dtype = DTYPES.get(dtype, "auto") if isinstance(dtype, str) else dtype
    torch_device = pick_device(device) if isinstance(device, str) else device

    from transformers import AutoModelForCausalLM  # takes seconds to import: only those who load a model pay

    try:
        with quiet_transformers():
            model, info = AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=torch_dtype,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise BaseUnavailable(
            f"The base model in {folder} cannot be loaded: {_first_line(error)}. Check that the folder is "
            "a whole Hugging Face causal language model in safetensors format"
        ) from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise BaseUnavailable(
            f"The base model in {folder} lacks {len(missing)} weights of its class {type(model).__name__}, "
            f"the first is {missing[0]}; download the model again"
        )
    return model.to(torch_device).eval().requires_grad_(False)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise BaseUnavailable(
            f"The base model's folder {folder} does not exist; give the path of a model folder"
        )
    config = folder / "config.json"
    try:
        kind = json.loads(config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BaseUnavailable(f"{folder} holds no config.json, so it is no model folder") from None
    except (OSError, ValueError) as error:
        raise BaseUnavailable(f"{config} cannot be read: {_first_line(error)}") from error
    if not isinstance(kind, dict):
        raise BaseUnavailable(f"{config} is not a JSON object, so it describes no model")
    if not any(folder.glob("*.safetensors")):
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        remedy = "convert its pickled weights to safetensors" if pickled else "download its weights"
        raise BaseUnavailable(f"{folder} holds no .safetensors weights; {remedy}")


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")


class quiet_transformers:
    """Within it transformers prints no progress bars and no loading report; both would end up in job logs."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._logging = logging
        self._verbosity = logging.get_verbosity()
        self._bars = logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def __exit__(self, *exception: object) -> None:
        self._logging.set_verbosity(self._verbosity)
        if self._bars:
            self._logging.enable_progress_bar()
