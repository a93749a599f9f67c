"""The nano recipe's training: its forward pass is transformers', and a stopped run goes on where it was."""

import random

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from recipes.nano.batches import batches
from recipes.nano.check import MODEL
from recipes.nano.dataset import Stream, make_stream
from recipes.nano.network import Network, Shape, initial_weights
from recipes.nano.pretrain import RunConfig, pretrain, rate_share, save_model

SMALL = Shape(vocab=4096, width=32, layers=2, ffn=64, heads=2, kv_heads=1, head_width=16)


@pytest.fixture(scope="module")
def stream() -> Stream:
    rng = np.random.default_rng(0)
    lengths = rng.integers(8, 60, 400)
    offsets = np.r_[0, lengths.cumsum()]
    ids = rng.integers(3, 4000, offsets[-1]).astype(np.int16)
    return Stream(ids, (rng.random(offsets[-1]) < 0.4).astype(np.int8), offsets)


def test_the_forward_pass_is_that_of_transformers(tmp_path):
    weights = {
        name: (tensor * 3 if name.endswith("_proj.weight") else tensor).to(torch.bfloat16).float()
        for name, tensor in initial_weights(SMALL, seed=1).items()
    }
    save_model(weights, SMALL, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ids = torch.from_numpy(np.random.default_rng(2).integers(0, 4096, (3, 41)))
    with torch.no_grad():
        expected = theirs.model(input_ids=ids).last_hidden_state
        ours = Network(SMALL, weights, compiled=False).hidden(ids)
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def test_batches_hold_every_token_of_a_window_once_and_mark_no_padding(stream):
    source = batches(stream, tokens_per_batch=2048, seed=1)
    batch = next(source)
    assert batch.ids.numel() <= 2048 + 8 * len(batch.ids)
    assert (batch.learned <= batch.real).all()
    assert (batch.ids[batch.real == 0] == 0).all()


def test_batches_follow_from_the_seed(stream):
    one, same, other = (batches(stream, 2048, seed) for seed in (1, 1, 2))
    for _ in range(5):
        first, second = next(one), next(same)
        assert torch.equal(first.ids, second.ids)
    assert not all(torch.equal(next(one).ids, next(other).ids) for _ in range(3))


def test_the_rate_rises_stays_and_falls():
    config = RunConfig(work=MODEL, out=MODEL, steps=1000)
    shares = [rate_share(step, config) for step in range(1000)]
    assert shares[0] < shares[20] < shares[40] == shares[600] == 1.0
    assert shares[999] < 0.05


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path, stream, monkeypatch):
    monkeypatch.setattr("recipes.nano.pretrain.Shape", lambda: SMALL)
    finals = []
    for name, stops in (("whole", False), ("stopped", True)):
        work = tmp_path / name
        work.mkdir()
        stream.save(work / "train.npz")
        stream.save(work / "valid.npz")
        config = RunConfig(work=work, out=work / "model", steps=6, tokens_per_batch=1024, all_tokens_steps=2,
                           compiled=False, threads=torch.get_num_threads(), state_every_s=0)  # fmt: skip
        if stops:
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr("recipes.nano.pretrain.rate_share", _interrupt_at(3))
                pretrain(config)
        pretrain(config)
        model = AutoModelForCausalLM.from_pretrained(work / "model")
        finals.append(model.model.layers[0].mlp.gate_proj.weight.detach().float())
    torch.testing.assert_close(finals[0], finals[1], atol=0, rtol=0)


def _interrupt_at(stop: int):
    def share(step: int, config: RunConfig) -> float:
        if step == stop:
            raise KeyboardInterrupt
        return rate_share(step, config)

    return share


def test_a_stream_marks_what_the_assistant_says(monkeypatch):
    monkeypatch.setattr("recipes.nano.dataset.CHUNK", 200)
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    made = make_stream(tokenizer, seed=3, num_tokens=1)
    assert len(made) == 200
    assert 0.2 < made.learned.mean() < 0.6
    example = random.Random(1).randrange(len(made))
    start, end = made.offsets[example], made.offsets[example + 1]
    text = tokenizer.decode(made.ids[start:end].tolist(), skip_special_tokens=False)
    said = tokenizer.decode(
        made.ids[start:end][made.learned[start:end] == 1].tolist(), skip_special_tokens=False
    )
    assert said.split("<|im_end|>")[0] in text
