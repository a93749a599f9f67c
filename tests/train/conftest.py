"""Tiny models, tiny files, and the plain computation that the trainer is held to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.model.tiny_models import tiny_model
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import TrainEvent
from tunesmith.train.trainer import train

CITIES = [
    "Paris",
    "Rome",
    "Oslo",
    "Lima",
    "Cairo",
    "Tokyo",
    "Quito",
    "Delhi",
    "Sofia",
    "Accra",
    "Bern",
    "Doha",
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in one order, so that equal runs are equal to the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny fp32 Llama."""
    return tiny_model(tmp_path_factory.mktemp("base") / "llama")


def chat_row(question: str, *replies: str, weights: Sequence[int] | None = None) -> dict[str, Any]:
    """One training row with a user message before each reply."""
    messages: list[dict[str, Any]] = []
    for i, reply in enumerate(replies):
        messages.append({"role": "user", "content": question if i == 0 else "And then?"})
        messages.append({"role": "assistant", "content": reply})
        if weights is not None:
            messages[-1]["weight"] = weights[i]
    return {"messages": messages}


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def training_file(tmp_path: Path) -> Path:
    """Ten rows of different lengths."""
    rows = [
        chat_row(f"Where is {city}?", f"{city} is where it was{', as ever' * i}.")
        for i, city in enumerate(CITIES[:10])
    ]
    return write_rows(tmp_path / "train.jsonl", rows)


@pytest.fixture
def validation_file(tmp_path: Path) -> Path:
    """Five rows."""
    rows = [chat_row(f"Is {city} far?", f"{city} is far.") for city in CITIES[7:]]
    return write_rows(tmp_path / "valid.jsonl", rows)


@pytest.fixture
def config(base: Path, training_file: Path, tmp_path: Path) -> Callable[..., TrainConfig]:
    """A short fp32 run; any field can be given otherwise."""

    def make(**values: Any) -> TrainConfig:
        defaults: dict[str, Any] = {
            "base": base,
            "training_file": training_file,
            "out": tmp_path / "out",
            "n_epochs": 2,
            "batch_size": 4,
            "learning_rate": 1e-2,
            "seed": 1,
            "r": 4,
            "lora_alpha": 8,
            "dtype": "float32",
            "device": "cpu",
            "threads": 1,
            "snapshot_every_s": 3600.0,
        }
        return TrainConfig(**{**defaults, **values})

    return make


def of_kind(events: Sequence[TrainEvent], kind: type) -> list[Any]:
    """The events of one class."""
    return [event for event in events if isinstance(event, kind)]


def run(config: TrainConfig) -> list[TrainEvent]:
    """All events of a run."""
    return list(train(config))
