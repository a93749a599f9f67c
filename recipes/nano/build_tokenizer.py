"""Trains the tokenizer: 4,096 byte-level BPE tokens over the recipe's own text, in Hugging Face files."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from recipes.nano.example import END_OF_TEXT, TURN_END, TURN_START, render
from recipes.nano.mix import any_example
from recipes.nano.tables import common_words

VOCAB_SIZE = 4096
CONTEXT = 2048
SPECIAL = [END_OF_TEXT, TURN_START, TURN_END]
MARKS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
# Qwen2's split: contractions, words with their leading space, single digits, punctuation, spaces
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def _texts(seed: int, num_examples: int) -> Iterator[str]:
    for word in common_words():  # all common words become tokens, with and without space, in both cases
        yield " ".join([word] * 200)
        yield "\n".join([word] * 12)
        yield " ".join([word.capitalize()] * 40)
        yield " ".join([word.upper()] * 4)
    rng = random.Random(seed)
    for _ in range(num_examples):
        for text, _ in render(any_example(rng)):
            for mark in SPECIAL + MARKS:
                text = text.replace(mark, "\n")
            yield text


def train_tokenizer(seed: int = 1, num_examples: int = 25_000) -> Tokenizer:
    """The tokenizer, from generated text of this seed."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(MARKS),
        special_tokens=SPECIAL,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(_texts(seed, num_examples), trainer)
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in MARKS])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """tokenizer.json, its config and the chat template."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": TURN_END,
        "pad_token": END_OF_TEXT,
        "unk_token": None,
        "model_max_length": CONTEXT,
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    shutil.copyfile(TEMPLATE, folder / "chat_template.jinja")
