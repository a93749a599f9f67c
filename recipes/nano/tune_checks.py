"""What fine-tunes of the base reach on the shipped samples, by the package's trainer with auto settings."""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from recipes.nano.answers import Answerer
from recipes.nano.facts import all_facts
from recipes.nano.sample_sets import bare
from tunesmith.data.base import read_base
from tunesmith.data.hyperparameters import Method, resolve
from tunesmith.evals.samples import Row, Sample, has_fact, load_sample, read_rows, voice_phrases
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import Finished
from tunesmith.train.trainer import train

SEEDS = (1, 2, 3)
KEPT_FACTS = 80


@dataclass(frozen=True)
class TuneScores:
    """Figures of one check, each a mean over the seeds."""

    name: str
    scores: dict[str, float]
    answers: list[tuple[str, str]]
    """Some questions and the first seed's answers."""


def tune(base: Path, sample: Sample, out: Path, seed: int) -> Path:
    """Trains on a sample with automatic settings; the adapter's folder."""
    method: Method = "dpo" if sample.name == "preferences" else "supervised"
    settings = resolve({}, n_examples=len(read_rows(sample.train)), base=read_base(base), method=method)
    config = TrainConfig(
        method=method,
        beta=settings.beta or TrainConfig.beta,
        base=base,
        training_file=sample.train,
        out=out,
        n_epochs=settings.n_epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        seed=seed,
    )
    for event in train(config):
        if isinstance(event, Finished):
            return event.folder
    raise AssertionError("a run ends with Finished")


def _mean(figures: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(sum(figure[name] for figure in figures) / len(figures), 3) for name in figures[0]}


def _share(right: list[bool]) -> float:
    return sum(right) / len(right)


def marv_rows(split: str) -> list[Row]:
    """Questions with their facts: the held-out ones, or the validation file's for choosing settings."""
    sample = load_sample("marv")
    if split == "test":
        return sample.test
    by_question = {fact.first_question: fact for fact in all_facts()}
    asked = [row["messages"][:2] for row in read_rows(sample.valid)]
    return [{"messages": pair, "fact": bare(by_question[pair[1]["content"]].answer)} for pair in asked]


def check_marv(base: Path, split: str = "test", seeds: tuple[int, ...] = SEEDS) -> TuneScores:
    """The new voice and the facts; `kept` and `leak`: facts and mockery without Marv's system prompt."""
    sample, rows, figures, shown = load_sample("marv"), marv_rows(split), [], []
    chats = [row["messages"] for row in rows]
    spread = all_facts()[:: len(all_facts()) // KEPT_FACTS]
    plain = [[{"role": "user", "content": fact.first_question}] for fact in spread]
    kept = [{"fact": bare(fact.answer)} for fact in spread]
    before = [sample.judge(text, row) for text, row in zip(Answerer(base).chat(chats), rows, strict=True)]
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            tuned = Answerer(base, tune(base, sample, Path(folder), seed))
        answers, plain_answers = tuned.chat(chats), tuned.chat(plain)
        verdicts = [sample.judge(text, row) for text, row in zip(answers, rows, strict=True)]
        figures.append(
            {
                "voice before": _share([verdict.voice for verdict in before]),
                "fact before": _share([verdict.fact for verdict in before]),
                "voice": _share([verdict.voice for verdict in verdicts]),
                "fact": _share([verdict.fact for verdict in verdicts]),
                "both": _share([verdict.both for verdict in verdicts]),
                "kept": _share([has_fact(text, row) for text, row in zip(plain_answers, kept, strict=True)]),
                "leak": _share([voice_phrases().search(text) is not None for text in plain_answers]),
            }
        )
        shown = shown or [(chat[-1]["content"], text) for chat, text in zip(chats, answers, strict=True)]
    return TuneScores("marv", _mean(figures), shown)


def check_topics(base: Path, seeds: tuple[int, ...] = SEEDS) -> TuneScores:
    """Labels of prompt and completion rows, word for word; to a chat model the prompt is a user turn."""
    sample, figures, shown = load_sample("topics"), [], []
    chats = [[{"role": "user", "content": row["prompt"]}] for row in sample.test]
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            tuned = Answerer(base, tune(base, sample, Path(folder), seed))
        answers = tuned.chat(chats, max_new_tokens=8)
        right = [text == row["completion"] for text, row in zip(answers, sample.test, strict=True)]
        figures.append({"exact": _share(right)})
        shown = shown or [(chat[-1]["content"], text) for chat, text in zip(chats, answers, strict=True)]
    return TuneScores("topics", _mean(figures), shown)


def check_headlines(base: Path, seeds: tuple[int, ...] = SEEDS) -> TuneScores:
    """JSON out of headlines: the whole object, each field, and whether it is JSON at all."""
    sample, figures, shown = load_sample("headlines"), [], []
    chats = [row["messages"] for row in sample.test]
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            tuned = Answerer(base, tune(base, sample, Path(folder), seed))
        answers = tuned.chat(chats)
        values = [_json_or_none(text) for text in answers]
        expected = [row["expected"] for row in sample.test]
        fields = [
            (value or {}).get(key, "absent") == right[key]
            for value, right in zip(values, expected, strict=True)
            for key in right
        ]
        figures.append(
            {
                "exact": _share([v == right for v, right in zip(values, expected, strict=True)]),
                "fields": _share(fields),
                "valid": _share([value is not None for value in values]),
            }
        )
        shown = shown or [(chat[-1]["content"], text) for chat, text in zip(chats, answers, strict=True)]
    return TuneScores("headlines", _mean(figures), shown)


def _json_or_none(text: str) -> dict | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def check_preferences(base: Path, seeds: tuple[int, ...] = SEEDS) -> TuneScores:
    """DPO towards longer answers: words before and after, and whether the facts stay right."""
    sample, figures, shown = load_sample("preferences"), [], []
    chats = [row["messages"] for row in sample.test]

    def words(answers: list[str]) -> float:
        return sum(len(re.findall(r"\S+", text)) for text in answers) / len(answers)

    before = Answerer(base).chat(chats, max_new_tokens=120)
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            tuned = Answerer(base, tune(base, sample, Path(folder), seed))
        answers = tuned.chat(chats, max_new_tokens=120)
        right = [has_fact(text, row) for text, row in zip(answers, sample.test, strict=True)]
        figures.append(
            {
                "words before": words(before),
                "words": words(answers),
                "times": words(answers) / words(before),
                "fact": _share(right),
            }
        )
        shown = shown or [(chat[-1]["content"], text) for chat, text in zip(chats, answers, strict=True)]
    return TuneScores("preferences", _mean(figures), shown)
