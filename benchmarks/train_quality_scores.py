"""What the quality table measures of a model: answers to a sample's test rows, losses on its validation rows.

Everything goes through plain transformers and PEFT, whoever trained the adapter.
"""

from __future__ import annotations

import contextlib
import json
import statistics
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.train_peers import Row, tokenize
from benchmarks.train_workloads import MaskedIds
from recipes.nano.answers import Answerer
from tunesmith.data.hyperparameters import Method
from tunesmith.evals.samples import Sample, has_fact, read_rows

_LABEL_TOKENS, _REPLY_TOKENS, _LONG_REPLY_TOKENS = 8, 80, 120


def method_of(sample: Sample) -> Method:
    """How the sample is trained on."""
    return "dpo" if sample.name == "preferences" else "supervised"


def as_chat(row: Row) -> Row:
    """Prompt and completion as a chat model gets them; other rows as they are."""
    if "prompt" not in row:
        return row
    roles = (("user", row["prompt"]), ("assistant", row["completion"]))
    return {"messages": [{"role": role, "content": content} for role, content in roles]}


def scores(sample: Sample, answerer: Answerer, *, beta: float) -> dict[str, float]:
    """Figures of a model on rows that it was not trained on: greedy answers to `test.jsonl`, and
    `held_out_scores`."""
    return _ANSWERS[sample.name](sample, answerer) | held_out_scores(sample, answerer, beta=beta)


def held_out_scores(sample: Sample, answerer: Answerer, *, beta: float) -> dict[str, float]:
    """The loss on `valid.jsonl`, in nats, and what is known of pairs beside it."""
    rows = [tokenize(as_chat(row), answerer.tokenizer) for row in read_rows(sample.valid)]
    if method_of(sample) == "dpo":
        return preference_scores(answerer, rows, beta=beta)
    return {"held-out loss": supervised_loss(answerer, [sequence for (sequence,) in rows])}


def supervised_loss(answerer: Answerer, sequences: Sequence[MaskedIds]) -> float:
    """Mean over all targets."""
    total = sum(log_prob(answerer, sequence) for sequence in sequences)
    return -total / sum(sum(mask) for _, mask in sequences)


def preference_scores(
    answerer: Answerer, pairs: Sequence[Sequence[MaskedIds]], *, beta: float
) -> dict[str, float]:
    """DPO's loss, margin and accuracy on pairs, with the model without adapter as the reference."""
    tuned = _log_probs(answerer, pairs)
    with answerer.model.disable_adapter() if _is_tuned(answerer) else contextlib.nullcontext():
        reference = _log_probs(answerer, pairs)
    rewards = beta * (tuned - reference)
    margins = rewards[:, 0] - rewards[:, 1]
    return {
        "reward accuracy": float((margins > 0).double().mean()),
        "reward margin": float(margins.mean()),
        "held-out loss": float(-F.logsigmoid(margins).mean()),
    }


def _is_tuned(answerer: Answerer) -> bool:
    return hasattr(answerer.model, "disable_adapter")


def _log_probs(answerer: Answerer, pairs: Sequence[Sequence[MaskedIds]]) -> torch.Tensor:
    """fp64 [pairs, 2]."""
    return torch.tensor([[log_prob(answerer, one) for one in pair] for pair in pairs], dtype=torch.float64)


@torch.no_grad()
def log_prob(answerer: Answerer, sequence: MaskedIds) -> float:
    """Log-probability of a sequence's targets, in nats."""
    ids, mask = torch.tensor(sequence[0]), torch.tensor(sequence[1], dtype=torch.bool)
    logits = answerer.model(input_ids=ids[None]).logits[0, :-1][mask[1:]]
    return -float(F.cross_entropy(logits.float(), ids[1:][mask[1:]], reduction="none").double().sum())


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right)


def _marv(sample: Sample, answerer: Answerer) -> dict[str, float]:
    answers = answerer.chat([row["messages"] for row in sample.test], _REPLY_TOKENS)
    verdicts = [sample.judge(text, row) for text, row in zip(answers, sample.test, strict=True)]
    return {key: _share([getattr(verdict, key) for verdict in verdicts]) for key in ("voice", "fact", "both")}


def _topics(sample: Sample, answerer: Answerer) -> dict[str, float]:
    chats = [as_chat(row)["messages"][:1] for row in sample.test]
    answers = answerer.chat(chats, _LABEL_TOKENS)
    right = [text == row["completion"] for text, row in zip(answers, sample.test, strict=True)]
    return {"label": _share(right)}


def _headlines(sample: Sample, answerer: Answerer) -> dict[str, float]:
    whole, fields = [], []
    for text, row in zip(
        answerer.chat([row["messages"] for row in sample.test], _REPLY_TOKENS), sample.test, strict=True
    ):
        value: Any = None
        with contextlib.suppress(ValueError):
            value = json.loads(text)
        value = value if isinstance(value, dict) else {}
        whole.append(value == row["expected"])
        fields += [key in value and value[key] == right for key, right in row["expected"].items()]
    return {"object": _share(whole), "fields": _share(fields)}


def _preferences(sample: Sample, answerer: Answerer) -> dict[str, float]:
    answers = answerer.chat([row["messages"] for row in sample.test], _LONG_REPLY_TOKENS)
    right = [has_fact(text, row) for text, row in zip(answers, sample.test, strict=True)]
    return {"fact": _share(right), "words": statistics.mean(len(text.split()) for text in answers)}


_ANSWERS = {"marv": _marv, "topics": _topics, "headlines": _headlines, "preferences": _preferences}
