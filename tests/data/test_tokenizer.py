"""Tokenizers: against the library that made them, and text that grows token by token."""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.bases import write_base
from tunesmith.data.tokenizer import Detokenizer, Tokenizer
from tunesmith.errors import BaseUnavailable
from tunesmith.settings import NANO

TEXT = st.text(
    alphabet=st.one_of(st.sampled_from(" \n aZ0é東🎉👩‍👧"), st.characters(exclude_categories=["Cs"])),
    max_size=30,
)


@functools.cache
def reference(folder: Path) -> tokenizers.Tokenizer:
    """The library's own."""
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


def grown(tokenizer: Tokenizer, ids: list[int]) -> list[str]:
    detokenizer = Detokenizer(tokenizer)
    return [*map(detokenizer.add, ids), detokenizer.flush()]


@given(TEXT)
def test_text_survives_encoding(text: str) -> None:
    tokenizer = Tokenizer.load(NANO)
    ids = tokenizer.encode(text)
    if not any(map(tokenizer.is_special, ids)):
        assert tokenizer.decode(ids) == unicodedata.normalize(
            "NFC", text
        )  # nano's tokenizer composes characters


@settings(max_examples=50)
@given(st.lists(st.integers(0, 4095), max_size=30))
def test_any_ids_grow_into_what_decoding_them_at_once_gives(ids: list[int]) -> None:
    tokenizer = Tokenizer.load(NANO)
    library = reference(NANO)
    assert "".join(grown(tokenizer, ids)) == tokenizer.decode(ids) == library.decode(ids)


@given(text=TEXT)
def test_sentencepiece_text_decodes_as_the_library_does(families: dict[str, Path], text: str) -> None:
    tokenizer = Tokenizer.load(families["mistral-sp"])
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == reference(families["mistral-sp"]).decode(ids)


def test_half_a_character_is_never_shown() -> None:
    tokenizer = Tokenizer.load(NANO)
    pieces = grown(tokenizer, tokenizer.encode("🎉東"))
    assert len(pieces) > 3 and set(pieces) == {"", "🎉", "東"}


def test_a_character_that_is_never_finished_is_told_at_the_end() -> None:
    tokenizer = Tokenizer.load(NANO)
    assert grown(tokenizer, tokenizer.encode("a🎉")[:-1])[-1] == "\ufffd"


def test_the_bytes_of_tokens_are_the_bytes_of_the_text() -> None:
    tokenizer = Tokenizer.load(NANO)
    text = "Paris <tool_call>\n東京 🎉 ¼"
    assert b"".join(map(tokenizer.token_bytes, tokenizer.encode(text))) == text.encode()
    assert tokenizer.token_bytes(10**9) == b""


def test_special_tokens_are_read_as_such_and_left_out_of_text() -> None:
    tokenizer = Tokenizer.load(NANO)
    ids = tokenizer.encode("Hi<|im_end|>")
    assert ids[-1] in tokenizer.eos_token_ids and tokenizer.is_special(ids[-1])
    assert (
        tokenizer.decode(ids) == "Hi" and tokenizer.decode(ids, skip_special_tokens=False) == "Hi<|im_end|>"
    )


def test_the_tokenizers_own_end_comes_first(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "b", None, "<|eot_id|>", eos_token_id=[2, 7])
    (folder / "generation_config.json").write_text('{"eos_token_id": 9}')
    tokenizer = Tokenizer.load(folder)
    assert tokenizer.eos_token_ids == (tokenizer.token_id("<|eot_id|>"), 9, 2)


def test_a_continuation_has_no_space_of_its_own(families: dict[str, Path]) -> None:
    tokenizer = Tokenizer.load(families["mistral-sp"])
    both = tokenizer.encode("Paris") + tokenizer.encode_continuation("Paris\n🎉")
    assert tokenizer.decode(both) == "ParisParis\n🎉"
    assert tokenizer.decode([*tokenizer.encode("Paris"), *tokenizer.encode("Paris")]) == "Paris Paris"


def test_raw_text_begins_with_bos_where_the_tokenizer_puts_it(families: dict[str, Path]) -> None:
    tokenizer = Tokenizer.load(families["llama3"])
    assert tokenizer.encode_raw("Paris")[0] == tokenizer.token_id("<s>")
    assert Tokenizer.load(NANO).encode_raw("Paris") == Tokenizer.load(NANO).encode("Paris")


def test_a_folder_without_a_fast_tokenizer_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable, match="save_pretrained"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(BaseUnavailable, match="cannot be read"):
        Tokenizer.load(tmp_path)
