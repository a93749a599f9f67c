"""The fast way against the plain way: packed rows, target-only loss and LoRA against HF and PEFT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.model.tiny_models import FAMILIES, tiny_model
from tests.train.reference import lora_gradients, peft_model, plain_dpo_loss, plain_loss
from tunesmith.model.adapter import names_in_file, write_adapter
from tunesmith.model.base import load_model
from tunesmith.model.lora import LoraStack, add_lora
from tunesmith.model.packed.forward import Forward, PackedForward, SingleForward
from tunesmith.model.packed.losses import head_of
from tunesmith.model.packed.probe import choose_forward
from tunesmith.model.packed.row import Row
from tunesmith.train.objectives import Objective, preferences, supervised, with_reference
from tunesmith.train.rows import Example, Pair

PACKED = [
    "llama",
    "qwen3",
    "mistral",
    "gemma2",
    "gemma3_text",
    "gpt2",
    "gpt_neox",
    "granite",
    "stablelm",
    "gpt_oss",
    "qwen3_moe",
]
ALONE = ["falcon", "bloom", "lfm2"]


def rows(*lengths: int) -> list[Row]:
    """Random rows in which some tokens in the middle and at the end are not targets, and weights differ."""
    generator = torch.Generator().manual_seed(5)
    made = []
    for line, length in enumerate(lengths, start=1):
        input_ids = torch.randint(3, 380, (length,), generator=generator)
        weights = torch.randint(0, 2, (length,), generator=generator).float()
        weights[0], weights[length // 2], weights[-2:] = 0, 0.5, 0
        made.append(Row(input_ids, weights, line))
    return made


def rows_that_begin_alike() -> list[Row]:
    """Strangers, two branches under one beginning, a third below one of them, a duplicate with other weights,
    and a row that ends where others go on."""
    made = rows(40, 7, 25, 38, 12, 40, 40, 60, 22)
    made[3].input_ids[:20] = made[0].input_ids[:20]
    made[5].input_ids[:37] = made[0].input_ids[:37]
    made[6].input_ids[:] = made[0].input_ids
    made[7].input_ids[:37] = made[0].input_ids[:37]
    made[8].input_ids[:] = made[0].input_ids[:22]
    return made


ROWS = rows(40, 7, 25, 38, 12)
ALIKE = rows_that_begin_alike()


def stack_with_random_values(base: Path, dtype: str, **lora: object) -> tuple[Any, LoraStack]:
    model = load_model(base, dtype=dtype, device="cpu")
    stack = add_lora(model, r=4, lora_alpha=8, **lora)
    stack.initialize(seed=3)
    with torch.no_grad():  # B is zero at the start, and A's gradient with it
        for layer in stack.layers.values():
            layer.lora_B.normal_(std=0.1, generator=torch.Generator().manual_seed(4))
    stack.refresh()
    return model, stack


def gradients(
    forward: Forward, stack: LoraStack, batch: Sequence[Example], objective: Objective = supervised
) -> tuple[float, dict[str, torch.Tensor]]:
    stack.zero_grad()
    loss = 0.0
    for part in objective(forward, batch):
        stack.stage()
        part.loss.backward()
        stack.collect()
        loss += float(part.loss.detach())
    named = {}
    names = names_in_file(stack.state())
    for path, layer in stack.layers.items():
        pair = layer.gradients()
        named[f"{names[path]}.lora_A"] = pair.lora_A.double().clone()
        named[f"{names[path]}.lora_B"] = pair.lora_B.double().clone()
    return loss, named


def difference(mine: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> float:
    assert mine.keys() == theirs.keys()
    a, b = (torch.cat([g[name].flatten() for name in sorted(mine)]) for g in (mine, theirs))
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("family", [*PACKED, *ALONE])
def test_loss_and_gradients_are_those_of_transformers_with_peft(family: str, tmp_path: Path) -> None:
    base = tiny_model(tmp_path / family, family)
    model, stack = stack_with_random_values(base, "float64")
    probed = load_model(base, dtype="float32", device="cpu")
    _, note = choose_forward(probed, tokens_per_forward=8192, longest=40)
    assert ("packed without padding" in note) == (family in PACKED), note
    forward: Forward = SingleForward(model, "eager")
    if family in PACKED:
        forward = PackedForward(model, head_of(model), tokens_per_forward=8192, share=True)

    loss, mine = gradients(forward, stack, ALIKE)

    write_adapter(tmp_path / "adapter", stack.state(), fan_in_fan_out=stack.stored_in_out)
    reference = peft_model(base, tmp_path / "adapter", "float64")
    expected = plain_loss(reference, ALIKE)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)  # rotary tables are fp32 even in an fp64 model
    assert difference(mine, lora_gradients(reference)) < 1e-5


@pytest.mark.parametrize("share", [False, True])
def test_fp32_gradients_differ_from_fp64_by_rounding_only(base: Path, tmp_path: Path, share: bool) -> None:
    model, stack = stack_with_random_values(base, "float32")
    forward = PackedForward(model, head_of(model), tokens_per_forward=8192, share=share)
    loss, mine = gradients(forward, stack, ALIKE)
    write_adapter(tmp_path / "adapter", stack.state())
    reference = peft_model(base, tmp_path / "adapter", "float64")
    expected = plain_loss(reference, ALIKE)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    assert difference(mine, lora_gradients(reference)) < 3e-6


@pytest.mark.parametrize("share", [False, True])
def test_a_bf16_base_gives_the_same_gradients_within_its_precision(base: Path, share: bool) -> None:
    wide_model, wide = stack_with_random_values(base, "float32")
    _, expected = gradients(SingleForward(wide_model, "eager"), wide, ALIKE)
    model, stack = stack_with_random_values(base, "bfloat16")
    forward = PackedForward(model, head_of(model), tokens_per_forward=8192, share=share)
    _, mine = gradients(forward, stack, ALIKE)
    assert stack.weights.dtype == torch.float32
    assert difference(mine, expected) < 5e-2


@pytest.mark.parametrize("tokens_per_forward", [1, 50, 70])
def test_a_split_batch_has_the_gradient_of_the_whole(base: Path, tokens_per_forward: int) -> None:
    model, stack = stack_with_random_values(base, "float64")
    head = head_of(model)
    whole_loss, whole = gradients(PackedForward(model, head, tokens_per_forward=8192), stack, ROWS)
    split = PackedForward(model, head, tokens_per_forward=tokens_per_forward)
    assert len(list(supervised(split, ROWS))) > 1
    loss, parts = gradients(split, stack, ROWS)
    assert loss == pytest.approx(whole_loss, rel=1e-9)
    assert difference(parts, whole) < 1e-9


@pytest.mark.parametrize("family", ["llama", "gemma2", "granite"])
def test_the_loss_at_targets_alone_equals_the_loss_from_all_logits(family: str, tmp_path: Path) -> None:
    model, stack = stack_with_random_values(tiny_model(tmp_path / family, family), "float64")
    own, mine = gradients(PackedForward(model, head_of(model), tokens_per_forward=8192), stack, ROWS)
    models, theirs = gradients(PackedForward(model, None, tokens_per_forward=8192), stack, ROWS)
    assert own == pytest.approx(models, rel=1e-9)
    assert difference(mine, theirs) < 1e-9


def test_logits_in_chunks_give_the_same_gradient(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, stack = stack_with_random_values(base, "float64")
    forward = PackedForward(model, head_of(model), tokens_per_forward=8192)
    _, whole = gradients(forward, stack, ROWS)
    monkeypatch.setattr("tunesmith.model.packed.losses._CHUNK_LOGITS", 384 * 5)
    _, chunked = gradients(forward, stack, ROWS)
    assert difference(chunked, whole) < 1e-12


def test_tokens_without_weight_change_nothing_but_what_follows_them(base: Path) -> None:
    """The tail after the last target is dropped, so other tokens there are never seen."""
    model, stack = stack_with_random_values(base, "float64")
    forward = PackedForward(model, head_of(model), tokens_per_forward=8192)
    tail_changed = []
    for row in ROWS:
        input_ids = row.input_ids.clone()
        input_ids[-2:] = 9
        tail_changed.append(row._replace(input_ids=input_ids))
    assert gradients(forward, stack, ROWS)[0] == gradients(forward, stack, tail_changed)[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gets_a_way_that_agrees_with_stock_attention(family: str, tmp_path: Path) -> None:
    base = tiny_model(tmp_path / family, family)
    model = load_model(base, dtype="float32", device="cpu")
    expected = SingleForward(model, "eager")(ALIKE).nll.detach()
    model = load_model(base, dtype="float32", device="cpu")
    forward, _ = choose_forward(model, tokens_per_forward=8192, longest=60)
    nll = forward(ALIKE).nll.detach()
    assert float((nll - expected).norm() / expected.norm()) < 1e-5


def pairs() -> list[Pair]:
    """Two replies of different lengths after one prompt each; two of the prompts begin alike."""
    generator = torch.Generator().manual_seed(8)
    system = torch.randint(3, 380, (20,), generator=generator)
    made = []
    for line, (prompt_length, *lengths) in enumerate([(9, 7, 12), (4, 15, 3), (30, 5, 5)], start=1):
        prompt = torch.randint(3, 380, (prompt_length,), generator=generator)
        if line < 3:
            prompt = torch.cat([system, prompt])
        sides = []
        for length in lengths:
            reply = torch.randint(3, 380, (length,), generator=generator)
            weights = torch.cat([torch.zeros(len(prompt)), torch.ones(length)])
            sides.append(Row(torch.cat([prompt, reply]), weights, line))
        made.append(Pair(sides[0], sides[1], line))
    return made


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-6), ("float32", 1e-5)])
def test_dpo_is_the_papers_loss_computed_plainly(
    base: Path, tmp_path: Path, dtype: str, tolerance: float, share: bool
) -> None:
    model, stack = stack_with_random_values(base, dtype)
    forward = PackedForward(model, head_of(model), tokens_per_forward=60, share=share)
    batch = list(with_reference(forward, [pairs()]).values())
    write_adapter(tmp_path / "reference", stack.state())
    with torch.no_grad():
        stack.weights.add_(torch.randn(stack.weights.shape, generator=torch.Generator().manual_seed(6)) / 20)
    stack.refresh()
    loss, mine = gradients(forward, stack, batch, preferences(beta=0.3))

    write_adapter(tmp_path / "policy", stack.state())
    policy, reference = (peft_model(base, tmp_path / name, "float64") for name in ("policy", "reference"))
    expected = plain_dpo_loss(policy, reference, pairs(), beta=0.3)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=tolerance)
    assert difference(mine, lora_gradients(policy)) < tolerance
