"""A compact DPO loop for the preference check (arXiv:2305.18290, equation 7), with PEFT's LoRA.

The reference policy is the same model with its adapter off.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model

from recipes.nano.answers import Answerer
from tunesmith.evals.samples import read_rows


@dataclass(frozen=True)
class DpoConfig:
    """Settings of a preference run."""

    learning_rate: float = 1e-3
    epochs: int = 2
    batch_size: int = 8
    beta: float = 0.1
    warm_up_share: float = 0.1


@dataclass
class Side:
    """One answer as token ids, and how many of them belong to the prompt."""

    ids: list[int]
    num_prompt: int


def _side(answerer: Answerer, messages: list[dict], answer: str) -> Side:
    prompt = answerer.prompt(messages)
    start = answerer.tokenizer(prompt, add_special_tokens=False)["input_ids"]
    end = answerer.tokenizer(answer + "<|im_end|>", add_special_tokens=False)["input_ids"]
    return Side(start + end, len(start))


def _log_probs(model: torch.nn.Module, sides: list[Side]) -> torch.Tensor:
    """The log-probability of each answer."""
    length = max(len(side.ids) for side in sides)
    ids = torch.zeros(len(sides), length, dtype=torch.long)
    answer = torch.zeros(len(sides), length)
    for row, side in enumerate(sides):  # padded on the right: causal attention never looks there
        ids[row, : len(side.ids)] = torch.tensor(side.ids)
        answer[row, side.num_prompt : len(side.ids)] = 1
    logits = model(input_ids=ids).logits[:, :-1].float()
    each = -F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
    return (each * answer[:, 1:]).sum(1)


def tune_on_preferences(base: Path, rows_file: Path, seed: int, config: DpoConfig | None = None) -> Answerer:
    """The base with a fresh adapter trained on OpenAI preference rows."""
    config = config or DpoConfig()
    torch.manual_seed(seed)
    answerer = Answerer(base)
    pairs = [
        tuple(
            _side(answerer, row["input"]["messages"], row[key][0]["content"])
            for key in ("preferred_output", "non_preferred_output")
        )
        for row in read_rows(rows_file)
    ]
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(answerer.model, lora)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    rng, step = random.Random(seed), 0
    steps = config.epochs * -(-len(pairs) // config.batch_size)
    for _ in range(config.epochs):
        rng.shuffle(pairs)
        for start in range(0, len(pairs), config.batch_size):
            batch = pairs[start : start + config.batch_size]
            sides = [chosen for chosen, _ in batch] + [rejected for _, rejected in batch]
            with torch.no_grad(), model.disable_adapter():
                reference = _log_probs(model, sides)
            chosen, rejected = (_log_probs(model, sides) - reference).chunk(2)
            loss = -F.logsigmoid(config.beta * (chosen - rejected)).mean()
            loss.backward()
            share = min(1.0, (step + 1) / (config.warm_up_share * steps)) * (1 - step / steps)
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * share
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
    answerer.model = model.eval()
    return answerer
