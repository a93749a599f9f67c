"""Loading a base: whole, frozen, and with a sentence when it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model.tiny_models import tiny_model
from tunesmith.errors import BaseUnavailable
from tunesmith.model.base import load_model, pick_device


def test_a_base_loads_frozen_in_the_asked_precision(tmp_path: Path) -> None:
    model = load_model(tiny_model(tmp_path / "m", dtype="bfloat16"), dtype="float32", device="cpu")
    assert not model.training
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def torn_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def unknown_class(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config.update(model_type="homemade", auto_map={"AutoModelForCausalLM": "homemade.Model"})
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "homemade.py").write_text("raise SystemExit('code of a model folder was run')")


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def torn_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def missing_weight(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, path, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (without_config, "no config.json"),
        (torn_config, "cannot be read"),
        (unknown_class, "cannot be loaded"),
        (pickled, "convert its pickled weights"),
        (torn_weights, "cannot be loaded"),
        (missing_weight, "lacks 1 weights .* model.layers.1.mlp.up_proj.weight"),
    ],
)
def test_a_broken_base_is_named_with_what_to_do(tmp_path: Path, breaks: object, said: str) -> None:
    folder = tiny_model(tmp_path / "m")
    breaks(folder)  # type: ignore[operator]
    with pytest.raises(BaseUnavailable, match=said):
        load_model(folder, dtype="float32", device="cpu")


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable, match="nowhere does not exist"):
        load_model(tmp_path / "nowhere")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_said() -> None:
    assert pick_device("auto").type == "cpu"
    with pytest.raises(BaseUnavailable, match="no CUDA GPU"):
        pick_device("cuda")
