"""The peers of the training benchmark: a lean loop over transformers and PEFT, and TRL's trainers.

Both read the rows through transformers' own tokenizer and chat template, in the order given, and know
nothing of Tunesmith. The lean loop is what a careful engineer writes in an afternoon: bf16 base, fp32 LoRA
under autocast, logits at target tokens only, the cheaper of padding and one row at a time.

Shapes: B = sequences in a forward, T = tokens of the longest, D = model width, N = targets, V = vocabulary.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.train_process import Step, Turns, serve
from benchmarks.train_workloads import MaskedIds, Recipe

Row = dict[str, Any]


# --- what both share


def _read(folder: Path) -> list[Row]:
    lines = (folder / "in_our_order.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def load_tokenizer(base: Path) -> Any:
    """Transformers' own."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base)


def _load_model(base: Path) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, attn_implementation="sdpa")


def tokenize(row: Row, tokenizer: Any) -> list[MaskedIds]:
    """Ids and mask of a row's sequences: one of a chat; of a pair the preferred reply's, then the other's."""

    def encode(messages: list[Row]) -> MaskedIds:
        encoded = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
        return encoded["input_ids"], encoded["assistant_masks"]

    if "messages" in row:
        return [encode(row["messages"])]
    before = row["input"]["messages"]
    return [encode([*before, *row[key]]) for key in ("preferred_output", "non_preferred_output")]


# --- the lean loop


class LeanLoop:
    """Supervised or DPO training with `micro` rows (pairs) a forward, sorted by length."""

    def __init__(self, folder: Path, *, micro: int, cached: bool = False) -> None:
        from peft import PeftModel

        self._recipe = Recipe.read(folder)
        self._micro = micro
        tokenizer = load_tokenizer(folder / "base")
        self._pad = tokenizer.pad_token_id
        rows = [tokenize(row, tokenizer) for row in _read(folder)]
        size = self._recipe.batch_size
        self._batches = [rows[i : i + size] for i in range(0, len(rows), size)]
        self._model = PeftModel.from_pretrained(
            _load_model(folder / "base"), str(folder / "adapter"), is_trainable=True
        )
        self._model.train()
        self._trained = [p for p in self._model.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._trained,
            lr=self._recipe.learning_rate,
            betas=(self._recipe.adam_beta1, self._recipe.adam_beta2),
            eps=self._recipe.adam_epsilon,
            weight_decay=0.0,
            fused=True,
        )
        self._references: list[list[torch.Tensor]] | None = None
        if cached:
            self._references = [
                [self._reference(part) for part in self._parts(batch)] for batch in self._batches
            ]

    def steps(self) -> Iterator[Step]:
        """One step for each batch of the file."""
        loss_of = self._preference_loss if self._recipe.method == "dpo" else self._supervised_loss
        for i, batch in enumerate(self._batches):
            started = time.perf_counter()
            for group in self._optimizer.param_groups:
                group["lr"] = self._recipe.learning_rate * (1 - i / len(self._batches))
            loss = loss_of(i, batch)
            torch.nn.utils.clip_grad_norm_(self._trained, self._recipe.max_grad_norm)
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)
            seconds = time.perf_counter() - started
            yield Step.of(seconds, loss, [sequence for row in batch for sequence in row])

    def _supervised_loss(self, i: int, batch: list[list[MaskedIds]]) -> float:
        n_targets = sum(sum(mask) for ((_, mask),) in batch)
        total = 0.0
        for part in self._parts(batch):
            _, nll = self._nll([row[0] for row in part])
            loss = nll.sum() / n_targets
            loss.backward()
            total += float(loss.detach())
        return total

    def _preference_loss(self, i: int, batch: list[list[MaskedIds]]) -> float:
        total = 0.0
        for k, part in enumerate(self._parts(batch)):
            reference = self._reference(part) if self._references is None else self._references[i][k]
            rewards = self._recipe.beta * (self._log_probs(part) - reference)
            loss = -F.logsigmoid(rewards[:, 0] - rewards[:, 1]).sum() / len(batch)
            loss.backward()
            total += float(loss.detach())
        return total

    @torch.no_grad()
    def _reference(self, part: list[list[MaskedIds]]) -> torch.Tensor:
        with self._model.disable_adapter():
            return self._log_probs(part)

    def _log_probs(self, part: list[list[MaskedIds]]) -> torch.Tensor:
        """[pairs, 2], of the preferred replies and the others."""
        sequences = [sequence for row in part for sequence in row]
        owners, nll = self._nll(sequences)
        return -torch.zeros(len(sequences)).index_add(0, owners, nll).view(-1, 2)

    def _parts(self, batch: list[list[MaskedIds]]) -> list[list[list[MaskedIds]]]:
        """Rows of like lengths together, so that little is padded."""
        if self._micro >= len(batch):
            return [batch]
        ordered = sorted(batch, key=lambda row: max(len(ids) for ids, _ in row))
        return [ordered[i : i + self._micro] for i in range(0, len(ordered), self._micro)]

    def _nll(self, sequences: Sequence[MaskedIds]) -> tuple[torch.Tensor, torch.Tensor]:
        """The sequence of each target [N], and its negative log-likelihood in nats, fp32 [N]."""
        longest = max(len(ids) for ids, _ in sequences)
        input_ids = torch.full((len(sequences), longest), self._pad)
        is_target = torch.zeros(len(sequences), longest, dtype=torch.bool)
        for row, (ids, mask) in enumerate(sequences):
            input_ids[row, : len(ids)] = torch.tensor(ids)
            is_target[row, : len(ids)] = torch.tensor(mask, dtype=torch.bool)
        # without padding no mask is needed, and causal attention without one is the fastest there is
        same = all(len(ids) == longest for ids, _ in sequences)
        lengths = torch.tensor([[len(ids)] for ids, _ in sequences])
        attention_mask = None if same else torch.arange(longest)[None] < lengths
        with torch.autocast("cpu", torch.bfloat16):
            model = self._model.get_base_model()
            hidden_btd = model.model(
                input_ids=input_ids, attention_mask=attention_mask, use_cache=False
            ).last_hidden_state
            predicts = is_target[:, 1:]
            logits_nv = model.lm_head(hidden_btd[:, :-1][predicts])
        nll = F.cross_entropy(logits_nv.float(), input_ids[:, 1:][predicts], reduction="none")
        return predicts.nonzero()[:, 0], nll


# --- TRL


class Collated:
    """A collator that remembers what it gave: the proof of what TRL trained on."""

    def __init__(self, collate: Any) -> None:
        self._collate = collate
        self.forwards: list[list[MaskedIds]] = []

    def __call__(self, examples: Any) -> Any:
        batch = self._collate(examples)
        is_target = batch["completion_mask"] if "completion_mask" in batch else batch["labels"] != -100
        attends = batch["attention_mask"].bool()
        self.forwards.append(
            [
                (ids[on].tolist(), target[on].int().tolist())
                for ids, target, on in zip(batch["input_ids"], is_target, attends, strict=True)
            ]
        )
        return batch


def trl_trainer(
    base: Path, rows: list[Row], *, lora: Any, settings: dict[str, Any], beta: float | None = None
) -> tuple[Any, Collated]:
    """SFTTrainer on chats, or with `beta` DPOTrainer on pairs, in bf16 with an fp32 adapter, and what sees
    its batches.

    `lora` is PEFT's LoraConfig; `settings` are the trainer's arguments beside those that are fixed here.
    """
    from datasets import Dataset
    from datasets.utils.logging import disable_progress_bar
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    disable_progress_bar()
    settings = {
        "use_cpu": True,
        "bf16": True,
        "max_length": None,
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch_fused",
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        **settings,
    }
    shared: dict[str, Any] = {
        "model": _load_model(base),
        "processing_class": load_tokenizer(base),
        "peft_config": lora,
    }
    trainer: Any
    if beta is None:
        arguments = SFTConfig(**settings, assistant_only_loss=True)
        trainer = SFTTrainer(args=arguments, train_dataset=Dataset.from_list(rows), **shared)
    else:
        pairs = [
            {
                "prompt": row["input"]["messages"],
                "chosen": row["preferred_output"],
                "rejected": row["non_preferred_output"],
            }
            for row in rows
        ]
        arguments = DPOConfig(**settings, beta=beta)
        trainer = DPOTrainer(args=arguments, train_dataset=Dataset.from_list(pairs), **shared)
    collated = trainer.data_collator = Collated(trainer.data_collator)
    return trainer, collated


def train_with_trl(folder: Path, *, micro: int, precompute: bool, turns: Turns) -> None:
    """SFTTrainer or DPOTrainer with `micro` rows a forward and accumulation up to the recipe's batch."""
    from peft import LoraConfig, set_peft_model_state_dict
    from safetensors.torch import load_file
    from transformers import TrainerCallback

    recipe = Recipe.read(folder)
    out = tempfile.TemporaryDirectory(prefix="tunesmith-benchmark-")
    settings: dict[str, Any] = {
        "output_dir": out.name,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": recipe.batch_size // micro,
        "max_steps": recipe.n_steps,
        "learning_rate": recipe.learning_rate,
        "adam_beta1": recipe.adam_beta1,
        "adam_beta2": recipe.adam_beta2,
        "adam_epsilon": recipe.adam_epsilon,
        "max_grad_norm": recipe.max_grad_norm,
        "train_sampling_strategy": "sequential",
        "seed": recipe.seed,
    }
    if precompute:
        settings["precompute_ref_log_probs"] = True
    lora = LoraConfig.from_pretrained(str(folder / "adapter"))
    lora.inference_mode = False
    beta = recipe.beta if recipe.method == "dpo" else None
    trainer, collated = trl_trainer(folder / "base", _read(folder), lora=lora, settings=settings, beta=beta)
    set_peft_model_state_dict(trainer.model, load_file(folder / "adapter" / "adapter_model.safetensors"))
    n_forwards = recipe.batch_size // micro

    class OneStepATurn(TrainerCallback):
        """Stops the clock when a step is done, answers when its loss is logged, and waits."""

        def on_train_begin(self, *arguments: Any, **more: Any) -> None:
            turns.ready(settings={k: str(v) for k, v in settings.items() if k != "output_dir"})
            self._wait()

        def on_step_end(self, *arguments: Any, **more: Any) -> None:
            self._seconds = time.perf_counter() - self._started

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
            if "loss" not in (logs or {}):
                return
            forwards = collated.forwards[:n_forwards]
            del collated.forwards[:n_forwards]
            sequences = [sequence for forward in forwards for sequence in forward]
            step = Step.of(self._seconds, float(logs["loss"]), sequences)
            turns.answer(step, torch.get_num_threads())
            self._wait()

        def _wait(self) -> None:
            if not turns.wait():
                raise SystemExit
            self._started = time.perf_counter()

    trainer.add_callback(OneStepATurn())
    with out, contextlib.redirect_stdout(None):
        trainer.train()


def main() -> None:
    parser = argparse.ArgumentParser(description="A process of train_throughput.py.")
    parser.add_argument("peer", choices=("lean", "trl"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--micro", type=int, required=True, help="rows (pairs) that go through at once")
    parser.add_argument("--cached", action="store_true", help="dpo: the reference is computed beforehand")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    if options.peer == "trl":
        turns = Turns()
        train_with_trl(options.folder, micro=options.micro, precompute=options.cached, turns=turns)
    else:
        serve(
            lambda: LeanLoop(options.folder, micro=options.micro, cached=options.cached).steps(),
            torch.get_num_threads,
        )


if __name__ == "__main__":
    main()
