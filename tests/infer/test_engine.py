"""Many sequences, many adapters, one batch: each answers as alone, and as the stock classes do."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import peft
import pytest
import torch

from tests.infer.conftest import FAMILIES, N_VOCAB, drain, engine_of, generated, plainly, sequence, tiny_model
from tests.infer.make_adapter import random_adapter
from tunesmith.errors import InvalidAdapter
from tunesmith.infer.engine import Engine
from tunesmith.infer.pooling import Pooling, pooling_of
from tunesmith.infer.sequence import SamplingParams, Sequence
from tunesmith.model.adapter import write_adapter
from tunesmith.model.lora import add_lora

RANDOM = random.Random(1)
PROMPTS = [[RANDOM.randrange(3, N_VOCAB) for _ in range(n)] for n in (5, 40, 1, 17, 63)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_answers_as_the_stock_class_does(family):
    model = tiny_model(family)
    expected = [plainly(model, prompt, 12) for prompt in PROMPTS]
    rows = [sequence(prompt) for prompt in PROMPTS]
    drain(
        engine_of(model), rows
    )  # 48 tokens a step: the longest prompts are read in chunks while others decode
    assert [generated(row) for row in rows] == expected


def test_a_sequence_that_joins_late_or_stays_alone_answers_the_same(engine: Engine):
    alone = []
    for prompt in PROMPTS:
        row = sequence(prompt)
        drain(engine, [row])
        alone.append(generated(row))
    rows = [sequence(prompt) for prompt in PROMPTS]
    joining = rows[3:]

    def join(step: int) -> None:
        if step in (2, 5) and joining:
            engine.scheduler.add(joining.pop(0))

    drain(engine, rows[:3], join)
    assert [generated(row) for row in rows] == alone
    assert engine.scheduler.places.n_free == engine.scheduler.places.capacity


def test_blocks_of_many_sizes_and_gaps_between_them_change_nothing(engine: Engine):
    lengths = [12, 200, 12, 30, 100, 12]
    rows = [sequence(PROMPTS[i % 5], max_tokens=n) for i, n in enumerate(lengths)]
    drain(engine, rows)
    expected = sequence(PROMPTS[0], max_tokens=12)
    drain(engine, [expected])
    assert generated(rows[0]) == generated(rows[5])[:12] == generated(expected)
    long = sequence(PROMPTS[1], max_tokens=200)
    drain(engine, [long])
    assert generated(rows[1]) == generated(long)


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three adapters of the tiny Qwen3: two ranks, one on two kinds of layers only."""
    folder = tmp_path_factory.mktemp("adapters")
    model = tiny_model()
    made = {
        "a": random_adapter(model, 1, r=8),
        "b": random_adapter(model, 2, r=20),
        "c": random_adapter(model, 3, r=4, only=("q_proj", "down_proj")),
    }
    for name, adapter in made.items():
        write_adapter(folder / name, adapter)
    return {name: folder / name for name in made}


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks transformers
@pytest.mark.parametrize("plain", [False, True])
def test_base_and_adapters_in_one_batch_answer_as_peft_does(adapters: dict[str, Path], plain: bool):
    model = tiny_model()
    expected = {}
    for name in (None, *adapters):
        stock = copy.deepcopy(model)
        if name:
            stock = peft.PeftModel.from_pretrained(stock, adapters[name])
        expected[name] = [plainly(stock, prompt, 12) for prompt in PROMPTS]
    assert expected["a"] != expected["b"] != expected[None]
    engine = engine_of(model, plain=plain)
    pool = engine.runner.adapters
    for name, folder in adapters.items():
        pool.load(name, folder)
    names = [None, "a", "b", "c"]
    rows = [
        (name, i, sequence(prompt, pool.get(name) if name else None))
        for i, prompt in enumerate(PROMPTS)
        for name in RANDOM.sample(names, len(names))
    ]
    drain(engine, [row for _, _, row in rows])
    for name, i, row in rows:
        assert generated(row) == expected[name][i], (name, i)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("family", ["Qwen3Moe", "GptOss"])
def test_experts_of_several_adapters_in_one_batch_answer_as_pefts(family: str, plain: bool, tmp_path: Path):
    model = tiny_model(family)
    names, expected, folders = [None, "a", "b", "c"], {}, {}
    for seed, name in enumerate(names):
        stock = copy.deepcopy(model)
        if name:
            target_modules = ["q_proj"] if name == "c" else "all-linear"  # c has none on experts
            stack = add_lora(
                copy.deepcopy(model), r=4 * seed, lora_alpha=8 * seed, target_modules=target_modules
            )
            assert any(layer.n_experts for layer in stack.layers.values()) == (name != "c")
            with torch.no_grad():
                stack.weights.normal_(std=0.15, generator=torch.Generator().manual_seed(seed))
            folders[name] = tmp_path / name
            write_adapter(folders[name], stack.state())
            stock = peft.PeftModel.from_pretrained(stock, folders[name])
        expected[name] = [plainly(stock, prompt, 12) for prompt in PROMPTS]
    assert expected["a"] != expected["b"] != expected[None] != expected["a"]
    engine = engine_of(model, plain=plain)
    pool = engine.runner.adapters
    for name, folder in folders.items():
        pool.load(name, folder)
    rows = [
        (name, i, sequence(prompt, pool.get(name) if name else None))
        for i, prompt in enumerate(PROMPTS)
        for name in RANDOM.sample(names, len(names))
    ]
    drain(engine, [row for _, _, row in rows])
    for name, i, row in rows:
        assert generated(row) == expected[name][i], (name, i)


def test_experts_of_another_number_are_refused(tmp_path: Path):
    stack = add_lora(tiny_model("Qwen3Moe", num_experts=8), r=4, lora_alpha=8)
    write_adapter(tmp_path / "adapter", stack.state())
    with pytest.raises(InvalidAdapter, match=r"\[8, 64, 64\] experts, features in and out, but in this base"):
        engine_of(tiny_model("Qwen3Moe")).runner.adapters.load("a", tmp_path / "adapter")


def test_more_adapters_than_lanes_take_turns(adapters: dict[str, Path]):
    engine = engine_of(tiny_model(), max_running=16)
    pool = engine.runner.adapters
    folders = list(adapters.values())
    answers = {}
    for i in range(8):
        pool.load(f"m{i}", folders[i % 3])
    for i in range(8):
        answers[i] = sequence(PROMPTS[0], pool.get(f"m{i}"))
        drain(engine, [answers[i]])
    together = [sequence(PROMPTS[0], pool.get(f"m{i}")) for i in (7, 2, 5, 0, 1, 6, 3, 4)]
    drain(engine, together)
    for i, row in zip((7, 2, 5, 0, 1, 6, 3, 4), together, strict=True):
        assert generated(row) == generated(answers[i]) == generated(answers[i % 3])


def test_an_adapter_that_is_unloaded_finishes_what_it_answers(adapters: dict[str, Path]):
    engine = engine_of(tiny_model())
    pool = engine.runner.adapters
    pool.load("a", adapters["a"])
    expected = sequence(PROMPTS[0], pool.get("a"))
    drain(engine, [expected])
    row = sequence(PROMPTS[0], pool.get("a"))
    drain(engine, [row], lambda step: None if step != 3 else (pool.unload("a"), None)[1])
    assert generated(row) == generated(expected)
    assert pool.get("a") is None and not pool.unload("a")


def test_an_adapter_of_another_base_is_refused_by_name(adapters: dict[str, Path]):
    engine = engine_of(tiny_model(hidden_size=32))
    with pytest.raises(InvalidAdapter, match=r"down_proj.*96, 64.*96, 32.*another base"):
        engine.runner.adapters.load("a", adapters["a"])


def test_log_probabilities_of_prompt_and_answer_are_the_stock_models(engine: Engine):
    model = tiny_model()
    row = sequence(PROMPTS[1], logprobs=3, prompt_logprobs=2)
    outputs = drain(engine, [row])
    with torch.inference_mode():
        expected = model(input_ids=torch.tensor([row.token_ids])).logits[0].log_softmax(-1)
    for i, place in enumerate(row.prompt_logprobs):
        if i == 0:
            assert place is None
            continue
        top = expected[i - 1].topk(2)
        assert place.logprob == pytest.approx(float(expected[i - 1, row.token_ids[i]]), abs=1e-4)
        assert [token for token, _ in place.top] == top.indices.tolist()
    assert len(row.prompt_logprobs) == row.n_prompt
    for i, output in enumerate(outputs, start=row.n_prompt - 1):
        assert output.place.logprob == pytest.approx(float(expected[i].max()), abs=1e-4)
        assert len(output.place.top) == 3


def test_a_seed_gives_the_same_answer_whatever_stands_beside_it(engine: Engine):
    def seeded():
        return sequence(PROMPTS[3], temperature=1.0, top_p=0.9, seed=42, max_tokens=30)

    alone, beside = seeded(), seeded()
    drain(engine, [alone])
    drain(engine, [sequence(PROMPTS[0], temperature=1.5), beside, sequence(PROMPTS[4]), sequence(PROMPTS[1])])
    other = sequence(PROMPTS[3], temperature=1.0, top_p=0.9, seed=43, max_tokens=30)
    drain(engine, [other])
    assert generated(alone) == generated(beside) != generated(other)


def test_a_stop_token_ends_an_answer_and_is_its_last_token(engine: Engine):
    row = sequence(PROMPTS[0])
    drain(engine, [row])
    stop = generated(row)[4]
    stopped = sequence(PROMPTS[0], stop_token_ids=frozenset([stop]))
    outputs = drain(engine, [stopped])
    assert generated(stopped) == generated(row)[: generated(row).index(stop) + 1]
    assert [output.finish_reason for output in outputs] == [None] * (len(outputs) - 1) + ["stop"]
    assert row.finish_reason == "length"


def test_an_adapter_that_computes_no_numbers_fails_alone_and_leaves_no_trace(tmp_path: Path):
    model = tiny_model()
    huge = random_adapter(model, 1, scale=1e36)  # finite in the file, infinite in the product
    write_adapter(tmp_path / "huge", huge)
    engine = engine_of(model)
    engine.runner.adapters.load("huge", tmp_path / "huge")
    expected = plainly(tiny_model(), PROMPTS[1], 12)
    poisoned = sequence(PROMPTS[4], engine.runner.adapters.get("huge"))
    mate = sequence(PROMPTS[1])
    outputs = drain(engine, [poisoned, mate])
    assert [o.finish_reason for o in outputs if o.sequence is poisoned] == ["error"]
    assert generated(mate) == expected
    for _ in range(2):  # the places it leaves are taken by others
        rows = [sequence(PROMPTS[2], max_tokens=90), sequence(PROMPTS[1])]
        drain(engine, rows)
        assert generated(rows[1]) == expected


def test_a_step_that_raises_ends_its_requests_and_not_the_engine(monkeypatch: pytest.MonkeyPatch):
    engine = engine_of(tiny_model())
    forward = engine.runner.forward

    def out_of_memory(chunks):
        raise MemoryError("no memory")

    monkeypatch.setattr(engine.runner, "forward", out_of_memory)
    outputs = drain(engine, [sequence(PROMPTS[0]), sequence(PROMPTS[1])])
    assert [output.finish_reason for output in outputs] == ["error", "error"]
    monkeypatch.setattr(engine.runner, "forward", forward)
    row = sequence(PROMPTS[0])
    drain(engine, [row])
    assert row.n_generated == 12


def test_an_aborted_sequence_frees_its_places_at_once(engine: Engine):
    row = sequence(PROMPTS[1], max_tokens=100)
    engine.scheduler.add(row)
    engine.step()
    engine.step()
    engine.abort(row)
    engine.abort(row)
    assert not engine.scheduler.has_work
    assert engine.scheduler.places.n_free == engine.scheduler.places.capacity


@torch.inference_mode()
def vector_of(model: Any, prompt: list[int]) -> torch.Tensor:
    """By the stock classes: the last hidden states' mean, weighted by place, as a unit vector."""
    hidden = model.base_model(input_ids=torch.tensor([prompt])).last_hidden_state[0]
    return torch.nn.functional.normalize(torch.arange(1.0, len(prompt) + 1) @ hidden, dim=0)


def embedding(prompt: list[int], adapter: Any = None, pooling: Pooling = "weighted_mean") -> Sequence:
    return Sequence(prompt, SamplingParams(max_tokens=0, pooling=pooling), adapter)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.parametrize("plain", [False, True])
def test_vectors_and_answers_in_one_batch_are_the_stock_models(adapters: dict[str, Path], plain: bool):
    model = tiny_model()
    stock: dict[str | None, Any] = {None: copy.deepcopy(model)}
    for name in ("a", "b"):
        tuned = peft.PeftModel.from_pretrained(copy.deepcopy(model), adapters[name])
        stock[name] = tuned.base_model.model
    answers = [plainly(stock[None], prompt, 12) for prompt in PROMPTS]
    engine = engine_of(model, plain=plain)
    pool = engine.runner.adapters
    for name in ("a", "b"):
        pool.load(name, adapters[name])
    rows = [
        (name, prompt, embedding(prompt, pool.get(name) if name else None))
        for prompt in PROMPTS
        for name in stock
    ]
    free = [sequence(prompt) for prompt in PROMPTS]
    outputs = drain(engine, [*free[:2], *(row for _, _, row in rows), *free[2:]])
    for name, prompt, row in rows:
        assert row.pool is not None and row.finish_reason == "stop"
        torch.testing.assert_close(row.pool.vector(), vector_of(stock[name], prompt), atol=1e-4, rtol=0)
    assert [generated(row) for row in free] == answers
    assert sum(output.token_id is None for output in outputs) == len(rows)
    assert engine.scheduler.places.n_free == engine.scheduler.places.capacity


def test_a_base_made_for_vectors_says_how_they_are_pooled(tmp_path: Path, engine: Engine):
    assert pooling_of(tmp_path) == "weighted_mean"
    (tmp_path / "1_Pooling").mkdir()
    modes = {
        "pooling_mode_cls_token": False,
        "pooling_mode_lasttoken": True,
        "pooling_mode_mean_tokens": False,
    }
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    assert pooling_of(tmp_path) == "last"
    last, mean = embedding(PROMPTS[4], pooling="last"), embedding(PROMPTS[4], pooling="mean")
    drain(engine, [last, mean])
    with torch.inference_mode():
        hidden = tiny_model().base_model(input_ids=torch.tensor([PROMPTS[4]])).last_hidden_state[0]
    for row, expected in ((last, hidden[-1]), (mean, hidden.mean(0))):
        assert row.pool is not None
        expected = torch.nn.functional.normalize(expected, dim=0)
        torch.testing.assert_close(row.pool.vector(), expected, atol=1e-4, rtol=0)
