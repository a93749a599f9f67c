"""The model that ships: its files, its size, and that it knows something."""

import json

import pytest

from recipes.nano.answers import Answerer
from recipes.nano.check import GATES, MODEL, report
from tunesmith.evals.samples import load_sample


@pytest.fixture(scope="module")
def nano() -> Answerer:
    return Answerer(MODEL)


def test_the_folder_holds_a_hugging_face_model_of_at_most_20_mb():
    names = {path.name for path in MODEL.iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
            "tokenizer_config.json", "chat_template.jinja"} <= names  # fmt: skip
    assert sum(path.stat().st_size for path in MODEL.iterdir()) <= 20_000_000
    assert json.loads((MODEL / "config.json").read_text())["architectures"] == ["Qwen3ForCausalLM"]


def test_it_answers_a_fact(nano):
    (answer,) = nano.chat([[{"role": "user", "content": "What is the capital of France?"}]])
    assert "Paris" in answer


def test_a_system_prompt_changes_the_form(nano):
    messages = [
        {"role": "system", "content": "Answer in JSON."},
        {"role": "user", "content": "What is the capital of Japan?"},
    ]
    (answer,) = nano.chat([messages])
    assert json.loads(answer) == {"answer": "Tokyo"}


def test_it_is_not_sarcastic_before_it_is_tuned(nano):
    sample = load_sample("marv")
    rows = sample.test[:12]
    answers = nano.chat([row["messages"] for row in rows])
    assert not any(sample.judge(text, row).voice for text, row in zip(answers, rows, strict=True))


def test_a_missed_gate_is_reported(capsys):
    figures = {"topics": {"exact": 0.5}}
    assert not report(figures)
    assert "FAIL  topics exact" in capsys.readouterr().out
    assert report({"topics": {"exact": 0.95}})
    assert {gate.check for gate in GATES} == {"base", "marv", "topics", "preferences"}
