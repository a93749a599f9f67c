"""The pre-training run: a fixed number of steps from a fixed seed, stopped and resumed at will.

    python -m recipes.nano.pretrain --work BUILD --out MODEL --steps 5000

Warm-up, constant rate, linear decay. The first part learns every token, the rest what the assistant says.
Every few minutes the whole state goes to BUILD/state.pt; started again, the run continues from there.
"""

import argparse
import contextlib
import ctypes
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from recipes.nano.batches import Batch, batches
from recipes.nano.dataset import Stream
from recipes.nano.network import Network, Shape, initial_weights
from recipes.nano.optimizer import Optimizer, Rates

WARM_UP_STEPS = 40
STATE_EVERY_S = 600
LOG_EVERY_STEPS = 25
VALIDATE_EVERY_STEPS = 250


@dataclass(frozen=True)
class RunConfig:
    """One run."""

    work: Path
    """Folder with train.npz and valid.npz; the state and the log are written here."""
    out: Path
    """Folder of the finished model."""
    steps: int
    """Optimizer steps of the whole run."""
    seed: int = 0
    tokens_per_batch: int = 8192
    all_tokens_steps: int = 260
    """Steps at the start in which every token is learned, not only the assistant's."""
    decay_share: float = 0.35
    """Share of the run in which the rates fall to zero."""
    threads: int = 2
    compiled: bool = True
    state_every_s: float = STATE_EVERY_S


def rate_share(step: int, config: RunConfig) -> float:
    """The share of the peak rates at a step (from 0)."""
    left = 1 - step / config.steps
    return min(1.0, (step + 1) / WARM_UP_STEPS) * min(1.0, max(0.02, left / config.decay_share))


def save_model(masters: dict[str, torch.Tensor], shape: Shape, folder: Path) -> None:
    """Weights in bf16, config.json and generation_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in masters.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # safetensors makes a private temporary file
    generation = {"eos_token_id": [2, 0], "pad_token_id": 0, "do_sample": False, "max_new_tokens": 256}
    for name, value in (("config", shape.hf_config()), ("generation_config", generation)):
        (folder / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")


@torch.no_grad()
def validation_loss(network: Network, stream: Stream, num_batches: int = 4) -> float:
    """Mean loss of the assistant's tokens over the first batches of the stream."""
    source, total, count = batches(stream, 8192, seed=5), 0.0, 0
    for _ in range(num_batches):
        batch = next(source)
        losses = network.losses(batch.ids, batch.learned)
        total, count = total + losses.sum().item(), count + losses.numel()
    return total / count


def _save_state(path: Path, optimizer: Optimizer, step: int, counted: dict) -> None:
    torch.save({"optimizer": optimizer.state(), "step": step, "counted": counted}, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def _skipped(source: Iterator[Batch], count: int) -> Iterator[Batch]:
    for _ in range(count):
        next(source)
    return source


def _give_memory_back() -> None:
    """Returns free pages inside glibc's heap, which batches of ever new shapes fragment to 13 GB."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def pretrain(config: RunConfig) -> dict:
    """Runs to the last step and writes the model; returns the figures of the run."""
    torch.set_num_threads(config.threads)
    shape = Shape()
    optimizer = Optimizer(initial_weights(shape, config.seed), Rates())
    network = Network(shape, optimizer.working, config.compiled)
    train, valid = (Stream.load(config.work / f"{name}.npz") for name in ("train", "valid"))
    state_path, log_path = config.work / "state.pt", config.work / "train_log.jsonl"
    start, counted = 0, {"tokens": 0, "learned": 0, "seconds": 0.0}
    if state_path.exists():
        state = torch.load(state_path, weights_only=True)
        optimizer.restore(state["optimizer"])
        start, counted = state["step"], state["counted"]
    source = _skipped(batches(train, config.tokens_per_batch, config.seed), start)
    decay_starts = round(config.steps * (1 - config.decay_share))
    recent: list[float] = []
    began = saved = time.monotonic()
    seconds_before = counted["seconds"]
    window = (began, counted["tokens"])
    for step in range(start, config.steps):
        batch = next(source)
        learned = batch.learned
        if step < config.all_tokens_steps:
            learned = batch.real.clone()
            learned[:, 0] = 0
        loss = network.losses(batch.ids, learned).mean()
        loss.backward()
        optimizer.step(rate_share(step, config))
        recent.append(loss.item())
        counted["tokens"] += int(batch.real.sum())
        counted["learned"] += int(learned.sum())
        now = time.monotonic()
        counted["seconds"] = seconds_before + now - began
        done = step + 1
        if done % LOG_EVERY_STEPS == 0 or done == config.steps:
            line = {
                "step": done,
                "seconds": round(counted["seconds"]),
                "loss": round(float(np.mean(recent)), 4),
                "rate": round(rate_share(step, config), 3),
                "tokens": counted["tokens"],
                "tokens_per_s": round((counted["tokens"] - window[1]) / (now - window[0])),
            }
            if done % VALIDATE_EVERY_STEPS == 0 or done == config.steps:
                line["valid_loss"] = round(validation_loss(network, valid), 4)
            with log_path.open("a") as log:
                log.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
            recent, window = [], (now, counted["tokens"])
            _give_memory_back()
        if now - saved > config.state_every_s:
            _save_state(state_path, optimizer, done, counted)
            save_model(optimizer.masters, shape, config.work / "latest")
            saved = now
        if done == decay_starts:
            _save_state(config.work / "state-before-decay.pt", optimizer, done, counted)
            save_model(optimizer.masters, shape, config.work / "before-decay")
    save_model(optimizer.masters, shape, config.out)
    figures = counted | {
        "steps": config.steps,
        "seed": config.seed,
        "valid_loss": round(validation_loss(network, valid, 12), 4),
    }
    (config.work / "run.json").write_text(json.dumps(figures, indent=2) + "\n")
    return figures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    print(
        json.dumps(
            pretrain(
                RunConfig(
                    work=args.work, out=args.out, steps=args.steps, seed=args.seed, threads=args.threads
                )
            )
        )
    )


if __name__ == "__main__":
    main()
