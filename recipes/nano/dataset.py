"""The training stream: examples rendered and tokenized once, with a mark on every token that is learned."""

import random
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from recipes.nano.example import render, text_of
from recipes.nano.heldout import violation
from recipes.nano.mix import any_example

CHUNK = 5000


@dataclass
class Stream:
    """Token ids of all examples in a row; example i is ids[offsets[i]:offsets[i + 1]]."""

    ids: np.ndarray
    learned: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def save(self, path: Path) -> None:
        """Writes the stream to an .npz file."""
        np.savez(path, ids=self.ids, learned=self.learned, offsets=self.offsets)

    @classmethod
    def load(cls, path: Path) -> "Stream":
        """Reads what `save` wrote."""
        stored = np.load(path)
        return cls(stored["ids"], stored["learned"], stored["offsets"])


def make_stream(tokenizer: Tokenizer, seed: int, num_tokens: int) -> Stream:
    """Unrepeated examples that break no hold-out rule, until there are `num_tokens` tokens."""
    rng = random.Random(seed)
    ids: list[np.ndarray] = []
    learned: list[np.ndarray] = []
    offsets, seen = [0], set()
    while offsets[-1] < num_tokens:
        pieces, counts = [], []
        while len(counts) < CHUNK:
            example = any_example(rng)
            fingerprint = zlib.crc32(text_of(example).encode())
            if fingerprint in seen or violation(example):
                continue
            seen.add(fingerprint)
            rendered = render(example)
            pieces += rendered
            counts.append(len(rendered))
        encoded = iter(tokenizer.encode_batch_fast([text for text, _ in pieces], add_special_tokens=False))
        marks = iter(is_learned for _, is_learned in pieces)
        for count in counts:
            length = 0
            for _ in range(count):
                token_ids = next(encoded).ids
                ids.append(np.array(token_ids, np.int16))
                learned.append(np.full(len(token_ids), next(marks), np.int8))
                length += len(token_ids)
            offsets.append(offsets[-1] + length)
    return Stream(np.concatenate(ids), np.concatenate(learned), np.array(offsets))
