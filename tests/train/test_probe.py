"""The probe catches attention that is wrong in one detail, and families that are wrong when packed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.model.tiny_models import tiny_model
from tunesmith.model import attention
from tunesmith.model.base import load_model
from tunesmith.model.packed.probe import probe

MUTATIONS: dict[str, tuple[str, dict[str, Callable[[Any], Any]]]] = {
    "the window is dropped": ("mistral", {"sliding_window": lambda window: None}),
    "the window is off by one": ("mistral", {"sliding_window": lambda window: window and window + 1}),
    "the soft cap is dropped": ("gemma2", {"softcap": lambda softcap: None}),
    "the scale is the default one": ("gemma2", {"scaling": lambda scaling: None}),
    "the sinks are dropped": ("gpt_oss", {"s_aux": lambda sinks: None}),
}


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gpt_oss"])
def test_the_unmutated_families_share(family: str, tmp_path: Path) -> None:
    found = probe(load_model(tiny_model(tmp_path / family, family), dtype="float32", device="cpu"))
    assert found.way == "shared" and found.difference is not None and found.difference < 1e-6


@pytest.mark.parametrize("what", MUTATIONS)
def test_one_wrong_detail_is_enough_to_be_refused(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family, changes = MUTATIONS[what]
    config = {"query_pre_attn_scalar": 64} if family == "gemma2" else {}
    model = load_model(tiny_model(tmp_path / family, family, **config), dtype="float32", device="cpu")
    right = attention.forest_attention

    def wrong(*arguments: Any, **options: Any) -> Any:
        changed = {name: change(options.get(name)) for name, change in changes.items()}
        return right(*arguments, **{**options, **changed})

    monkeypatch.setattr(attention, "forest_attention", wrong)
    found = probe(model)
    assert found.way == "single"
    assert found.reason is not None and "something else" in found.reason


def test_attention_that_is_wrong_only_where_examples_share_leaves_packing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(tiny_model(tmp_path / "llama"), dtype="float32", device="cpu")
    right = attention.forest_attention

    def wrong(*arguments: Any, forest: Any, **options: Any) -> tuple[torch.Tensor, None]:
        out, _ = right(*arguments, forest=forest, **options)
        return out if forest.is_flat else out * 1.01, None

    monkeypatch.setattr(attention, "forest_attention", wrong)
    assert probe(model).way == "packed"


@pytest.mark.parametrize("family", ["falcon", "bloom", "lfm2"])
def test_silently_wrong_families_train_one_example_at_a_time(family: str, tmp_path: Path) -> None:
    found = probe(load_model(tiny_model(tmp_path / family, family), dtype="float32", device="cpu"))
    assert found.way == "single" and found.reason
