"""Adapter files: PEFT reads ours with equal logits, we read PEFT's, and broken ones are refused by name."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from benchmarks.families import FAMILIES as SHAPES
from tests.model.tiny_models import tiny_model
from tunesmith.errors import InvalidAdapter
from tunesmith.model.adapter import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    AdapterWeights,
    LoraPair,
    read_adapter,
    write_adapter,
)
from tunesmith.model.base import load_model
from tunesmith.model.lora import add_lora
from tunesmith.model.whole_folder import sweep, whole_folder

# PEFT asks transformers for an old name
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")

INPUT_IDS = torch.arange(3, 40)[None]
FAMILIES = ["llama", "qwen3", "mistral", "gemma2", "gemma3_text", "gpt2", "gpt_oss", "qwen3_moe"]
#: Last names mean other layers than ours (Gemma 3n), or fused experts to PEFT (the mixtures).
NEED_MORE_THAN_NAMES = {"gemma3n_text", "mixtral", "deepseek_v3", "llama4_text", "qwen3_next", "mamba2"}
CASES = [pytest.param(family, {}, id=family) for family in FAMILIES]
CASES += [
    pytest.param(s.model_type, s.config, id=s.model_type)
    for s in SHAPES
    if s.model_type in NEED_MORE_THAN_NAMES
]
CASES.append(pytest.param("qwen3_moe", {"mlp_only_layers": [0]}, id="a mixture with a dense layer"))


@pytest.mark.parametrize("family, config", CASES)
def test_peft_loads_our_adapter_with_equal_logits(
    family: str, config: dict[str, object], tmp_path: Path
) -> None:
    base = tiny_model(tmp_path / "base", family, **config)
    model = load_model(base, dtype="float32")
    stack = add_lora(model, r=4, lora_alpha=6)
    with torch.no_grad():
        stack.weights.normal_(std=0.2, generator=torch.Generator().manual_seed(0))
    stack.refresh()
    write_adapter(tmp_path / "adapter", stack.state(str(base)), fan_in_fan_out=stack.stored_in_out)
    with torch.no_grad():
        mine = model(input_ids=INPUT_IDS).logits
        plain = load_model(base, dtype="float32")
        before = plain(input_ids=INPUT_IDS).logits
        tuned = PeftModel.from_pretrained(plain, str(tmp_path / "adapter")).eval()
        theirs = tuned(input_ids=INPUT_IDS).logits
    assert sum(".lora_" in name for name, _ in tuned.named_parameters()) == 2 * len(stack.layers)
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
    assert (mine - before).abs().max() > 0.1


@pytest.mark.parametrize("rslora", [False, True])
def test_we_load_pefts_adapter_with_equal_logits(tmp_path: Path, rslora: bool) -> None:
    base = tiny_model(tmp_path / "base")
    config = LoraConfig(
        r=4,
        lora_alpha=6,
        target_modules="all-linear",
        use_rslora=rslora,
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )
    theirs = get_peft_model(load_model(base, dtype="float32"), config).eval()
    with warnings.catch_warnings(action="ignore"):
        theirs.save_pretrained(str(tmp_path / "adapter"))
    adapter = read_adapter(tmp_path / "adapter")
    model = load_model(base, dtype="float32")
    stack = add_lora(
        model,
        r=adapter.r,
        lora_alpha=adapter.lora_alpha,
        target_modules=list(adapter.layers),
        use_rslora=adapter.use_rslora,
    )
    stack.load(adapter)
    assert adapter.scaling == pytest.approx(3.0 if rslora else 1.5)
    with torch.no_grad():
        torch.testing.assert_close(
            model(input_ids=INPUT_IDS).logits, theirs(input_ids=INPUT_IDS).logits, rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize(
    "target_parameters", [["experts.gate_up_proj", "experts.down_proj"], ["down_proj"], ["gate_up_proj"]]
)
@pytest.mark.parametrize("family", ["qwen3_moe", "gpt_oss"])
def test_we_load_pefts_adapter_of_experts_with_equal_logits(
    family: str, target_parameters: list[str], tmp_path: Path
) -> None:
    base = tiny_model(tmp_path / "base", family)
    config = LoraConfig(
        r=4,
        lora_alpha=6,
        target_modules=["q_proj"],
        target_parameters=target_parameters,
        task_type="CAUSAL_LM",
    )
    theirs = get_peft_model(load_model(base, dtype="float32"), config).eval()
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        for name, parameter in theirs.named_parameters():
            if ".lora_" in name:
                parameter.normal_(std=0.2)
        theirs.save_pretrained(str(tmp_path / "adapter"))
    adapter = read_adapter(tmp_path / "adapter")
    assert sum(pair.n_experts == 4 for pair in adapter.layers.values()) == 2 * len(target_parameters)
    model = load_model(base, dtype="float32")
    add_lora(model, r=4, lora_alpha=6, target_modules=list(adapter.layers)).load(adapter)
    with torch.no_grad():
        torch.testing.assert_close(
            model(input_ids=INPUT_IDS).logits, theirs(input_ids=INPUT_IDS).logits, rtol=1e-4, atol=1e-4
        )


def small_adapter() -> AdapterWeights:
    return AdapterWeights(
        r=2,
        lora_alpha=4,
        layers={"model.layers.0.q_proj": LoraPair(torch.ones(2, 3), torch.ones(5, 2))},
        base_name="base",
    )


def test_writing_and_reading_gives_the_same_and_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b", "a"):  # the third replaces the first
        write_adapter(tmp_path / name, small_adapter())
    read = read_adapter(tmp_path / "a")
    assert (read.r, read.lora_alpha, read.base_name) == (2, 4, "base")
    assert json.loads((tmp_path / "a" / CONFIG_FILE).read_text())["target_modules"] == ["q_proj"]
    assert torch.equal(read.layers["model.layers.0.q_proj"].lora_B, torch.ones(5, 2))
    for file in (CONFIG_FILE, WEIGHTS_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def edit_config(folder: Path, **values: object) -> None:
    path = folder / CONFIG_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def edit_weights(folder: Path, **values: torch.Tensor) -> None:
    path = folder / WEIGHTS_FILE
    prefix = "base_model.model.model.layers.0.q_proj."
    save_file(
        {**load_file(path), **{f"{prefix}{half}.weight": value for half, value in values.items()}}, path
    )


BREAKAGES = {
    "holds no adapter_config.json": lambda folder: (folder / CONFIG_FILE).unlink(),
    "cannot be read": lambda folder: (folder / CONFIG_FILE).write_text("{"),
    "does not describe a LoRA adapter": lambda folder: edit_config(folder, peft_type="IA3"),
    "uses use_dora": lambda folder: edit_config(folder, use_dora=True),
    "uses bias": lambda folder: edit_config(folder, bias="all"),
    "r in adapter_config.json is 'big'": lambda folder: edit_config(folder, r="big"),
    "lora_alpha in adapter_config.json is None": lambda folder: edit_config(folder, lora_alpha=None),
    "holds no adapter_model.safetensors": lambda folder: (folder / WEIGHTS_FILE).unlink(),
    "its header claims": lambda folder: (folder / WEIGHTS_FILE).write_bytes(b"\xff" * 64),
    "is broken": lambda folder: (folder / WEIGHTS_FILE).write_bytes(
        (folder / WEIGHTS_FILE).read_bytes()[:-4]
    ),
    "do not fit rank 3": lambda folder: edit_config(folder, r=3),
    "does not say for which experts": lambda folder: save_file(
        {
            "base_model.model.experts.lora_A.weight": torch.ones(8, 3),
            "base_model.model.experts.lora_B.weight": torch.ones(5, 8),
        },
        folder / WEIGHTS_FILE,
    ),
    "no finite numbers": lambda folder: edit_weights(folder, lora_A=torch.full((2, 3), float("nan"))),
    "is no LoRA matrix": lambda folder: edit_weights(folder, magnitude=torch.ones(2)),
    "has lora_A alone": lambda folder: save_file(
        {"base_model.model.q.lora_A.weight": torch.ones(2, 3)}, folder / WEIGHTS_FILE
    ),
}


@pytest.mark.parametrize("said", BREAKAGES)
def test_a_broken_adapter_is_refused_with_its_reason(tmp_path: Path, said: str) -> None:
    folder = tmp_path / "adapter"
    write_adapter(folder, small_adapter())
    BREAKAGES[said](folder)
    with pytest.raises(InvalidAdapter, match=said) as caught:
        read_adapter(folder)
    assert str(folder) in str(caught.value)


def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    write_adapter(tmp_path / "a", small_adapter())
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "a") as partial:
        (partial / "half").write_text("x")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    read_adapter(tmp_path / "a")


def test_the_sweep_takes_partial_folders_only(tmp_path: Path) -> None:
    (tmp_path / ".a.77.partial").mkdir()
    (tmp_path / "a").mkdir()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
