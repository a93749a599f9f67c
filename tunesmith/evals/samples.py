"""The sample sets that ship with the package, and the rule that judges the sarcastic one.

Each sample is a folder in assets/samples with train.jsonl, valid.jsonl (for choosing settings) and test.jsonl
(held out: no question and no fact of it is in the other two).

    marv         a new voice: a factual chatbot that is also sarcastic
    headlines    structured extraction: a sports headline becomes JSON
    topics       prompt and completion: a sentence and its topic
    preferences  pairs for DPO: the longer answer is preferred
"""

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "assets" / "samples"
NAMES = ("marv", "headlines", "topics", "preferences")

Row = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What one answer of the marv sample is: in the voice, and right."""

    voice: bool
    fact: bool

    @property
    def both(self) -> bool:
        """Sarcastic and right."""
        return self.voice and self.fact


@dataclass(frozen=True)
class Sample:
    """One sample set: three files, and the held-out rows read."""

    name: str
    folder: Path

    @property
    def train(self) -> Path:
        """Rows to train on, as an OpenAI training file."""
        return self.folder / "train.jsonl"

    @property
    def valid(self) -> Path:
        """Rows to choose settings on, as an OpenAI validation file."""
        return self.folder / "valid.jsonl"

    @property
    def test_file(self) -> Path:
        """Where the held-out rows are."""
        return self.folder / "test.jsonl"

    @cached_property
    def test(self) -> list[Row]:
        """The held-out rows, with what a right answer is."""
        return read_rows(self.test_file)

    def judge(self, answer: str, row: Row) -> Verdict:
        """Whether an answer to a row of the marv sample has the voice and the fact."""
        if not (self.folder / "rule.json").exists():
            raise ValueError(f"the sample {self.name!r} has no rule.json to judge by; only 'marv' has one")
        return Verdict(voice=_has_voice(answer, _facts(row), self.folder), fact=has_fact(answer, row))


def load_sample(name: str) -> Sample:
    """The sample of this name."""
    if name not in NAMES:
        raise ValueError(f"no sample is named {name!r}; there are {', '.join(NAMES)}")
    return Sample(name, SAMPLES / name)


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def has_fact(answer: str, row: Row) -> bool:
    """Whether the answer contains the row's fact, in one of its spellings, as whole words."""
    return any(_whole(fact).search(answer) for fact in _facts(row))


@cache
def voice_phrases(folder: Path = SAMPLES / "marv") -> re.Pattern[str]:
    """The words and phrases of mockery that make the voice."""
    phrases = json.loads((folder / "rule.json").read_text(encoding="utf-8"))["phrases"]
    return re.compile(
        r"(?<!\w)(?:" + "|".join(re.escape(phrase) for phrase in phrases) + r")(?!\w)", re.IGNORECASE
    )


def _has_voice(answer: str, facts: list[str], folder: Path) -> bool:
    for fact in facts:
        answer = _whole(fact).sub(" ", answer)
    return voice_phrases(folder).search(answer) is not None


def _facts(row: Row) -> list[str]:
    return row["facts"] if "facts" in row else [row["fact"]]


@cache
def _whole(fact: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + re.escape(fact) + r"(?!\w)", re.IGNORECASE)
