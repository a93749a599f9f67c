"""A base's tokenizer without torch: text to ids, ids to text, and text as it grows token by token.

Reads `tokenizer.json` (the `tokenizers` library's own file) and the names of special tokens from
`tokenizer_config.json`. Special tokens are written by chat templates, so `encode` adds none of its own.

Decoding goes through bytes: a token is a piece of UTF-8 that may begin or end inside a character. Two
spellings of bytes cover today's causal models: GPT-2's byte alphabet, and SentencePiece with `▁` for a space
and `<0xE2>` for bytes.
"""

from __future__ import annotations

import codecs
import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tokenizers

from tunesmith.data.weights import read_json
from tunesmith.errors import BaseUnavailable

#: Texts that are put before a continuation so that the tokenizer treats it as one, tried in this order.
_ANCHORS = ("\n", "a", ".", "\u4e00")


class Tokenizer:
    """One base's tokenizer; use `Tokenizer.load(folder)`."""

    eos_token_ids: tuple[int, ...]
    """Ids that end a generation; the first is the one the tokenizer itself calls `eos_token`."""
    special_tokens: dict[str, str]
    """Names and texts that chat templates may print: `bos_token`, `eos_token`, …"""
    model_max_length: int | None
    """Tokens that the tokenizer's configuration allows, None where it says nothing sane."""
    adds_bos: bool
    """Whether a raw text (no chat template) is to begin with `bos_token`."""

    def __init__(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise BaseUnavailable(
                f"{folder} has no tokenizer.json; write one with transformers: "
                "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
            )
        try:
            serialised = path.read_text(encoding="utf-8")
            self._tokenizer = tokenizers.Tokenizer.from_str(serialised)
            pipeline = json.loads(serialised)
        except Exception as error:  # the tokenizers library raises bare Exception
            raise BaseUnavailable(f"{path} cannot be read: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        config_path = folder / "tokenizer_config.json"
        config = read_json(config_path) if config_path.is_file() else {}
        self.special_tokens = _special_tokens(folder, config)
        self._add_missing_tokens(config)
        self.model_max_length = _sane_length(config.get("model_max_length"))
        self.eos_token_ids = self._eos_token_ids(folder)
        self.adds_bos = self._adds_bos(config)
        self._added = {int(id): token for id, token in self._tokenizer.get_added_tokens_decoder().items()}
        decoder = pipeline.get("decoder") or {}
        self._byte_alphabet = _byte_alphabet() if _has(decoder, "ByteLevel") else None
        self._sentencepiece = self._byte_alphabet is None and (
            _has(decoder, "Metaspace") or _has(decoder, "ByteFallback")
        )
        self.strips_first_space = self._sentencepiece and _strips_first_space(decoder)

    @staticmethod
    def load(folder: Path | str) -> Tokenizer:
        """The tokenizer of a base folder, read once per process; raises `BaseUnavailable`."""
        return _load(Path(folder).absolute())

    @property
    def vocab_size(self) -> int:
        """Tokens that the tokenizer knows, added ones included; a model's embedding may have more rows."""
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    @property
    def added_tokens(self) -> dict[str, int]:
        """Ids of the tokens that stand beside the vocabulary of pieces, special or not, by their texts."""
        return {token.content: id for id, token in self._added.items()}

    def serialised(self) -> str:
        """`tokenizer.json` as it is used here, with the tokens that only the configuration names."""
        return self._tokenizer.to_str()

    def encode(self, text: str) -> list[int]:
        """The ids of `text`; special tokens that are spelt out in it become their ids, none is added."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def encode_for_vector(self, text: str) -> list[int]:
        """The ids of a text that is to become a vector: with what the tokenizer itself puts around a text,
        such as the end token that an embedding model was trained to look at."""
        return self._tokenizer.encode(text).ids or self.encode_raw(text)

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of `text`, and for each the [start, end) characters that it stands for."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def encode_continuation(self, text: str) -> list[int]:
        """The ids of `text` after other text: without SentencePiece's space before the first word."""
        return self.encode_continuation_with_offsets(text)[0]

    def encode_continuation_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """As `encode_continuation`, with the [start, end) characters in `text` of each id."""
        for anchor in _ANCHORS if self._sentencepiece else ():
            ids, offsets = self.encode_with_offsets(anchor + text)
            cut = next((i for i, (start, _) in enumerate(offsets) if start >= len(anchor)), len(ids))
            if all(end <= len(anchor) for _, end in offsets[:cut]):
                shifted = [(start - len(anchor), end - len(anchor)) for start, end in offsets[cut:]]
                return ids[cut:], shifted
        return self.encode_with_offsets(text)

    def encode_raw(self, text: str) -> list[int]:
        """The ids of a text that no template made: `encode`, after `bos_token` where the model wants one."""
        ids = self.encode(text)
        bos = self.token_id(self.special_tokens.get("bos_token"))
        return [bos, *ids] if self.adds_bos and bos is not None and ids[:1] != [bos] else ids

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = True) -> str:
        """The text of `ids`; bytes that are no UTF-8 become U+FFFD."""
        detokenizer = Detokenizer(self, skip_special_tokens=skip_special_tokens)
        return "".join([*map(detokenizer.add, ids), detokenizer.flush()])

    def token_bytes(self, id: int) -> bytes:
        """The UTF-8 piece that token `id` stands for; empty for an id without a token."""
        if id in self._added:
            return self._added[id].content.encode()
        token = self._tokenizer.id_to_token(id)
        if token is None:
            return b""
        if self._byte_alphabet is not None:
            alphabet = self._byte_alphabet
            if all(char in alphabet for char in token):
                return bytes(alphabet[char] for char in token)
            return token.encode()
        if self._sentencepiece:
            if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
                return bytes.fromhex(token[3:5])
            return token.replace("▁", " ").encode()
        return self._tokenizer.decode([id], skip_special_tokens=False).encode()

    def token_id(self, token: str | None) -> int | None:
        """The id of the token that is spelt `token`, or None."""
        return None if token is None else self._tokenizer.token_to_id(token)

    def is_special(self, id: int) -> bool:
        """Whether `id` is a special token, which no reader is to see."""
        return id in self._added and self._added[id].special

    @functools.cached_property
    def longest_token_bytes(self) -> int:
        """Bytes of the vocabulary's longest token: no text has fewer tokens than its bytes over this."""
        return max((len(self.token_bytes(id)) for id in range(self.vocab_size)), default=1) or 1

    @functools.cached_property
    def special_texts(self) -> list[str]:
        """Spellings of the tokens that may end a turn: those that end a generation, and all special ones."""
        special = [token.content for token in self._added.values() if token.special]
        ends = [self.token_bytes(id).decode(errors="ignore") for id in self.eos_token_ids]
        return [text for text in dict.fromkeys([*ends, *special]) if text.strip()]

    def _add_missing_tokens(self, config: dict[str, Any]) -> None:
        # some folders name special tokens in tokenizer_config.json alone; the vocabulary knows them already
        entries = config.get("added_tokens_decoder")
        for entry in entries.values() if isinstance(entries, dict) else ():
            content = entry.get("content") if isinstance(entry, dict) else None
            known = {token.content for token in self._tokenizer.get_added_tokens_decoder().values()}
            if isinstance(content, str) and content not in known and self.token_id(content) is not None:
                token = tokenizers.AddedToken(
                    content,
                    single_word=bool(entry.get("single_word")),
                    lstrip=bool(entry.get("lstrip")),
                    rstrip=bool(entry.get("rstrip")),
                    normalized=bool(entry.get("normalized")),
                    special=bool(entry.get("special")),
                )
                (self._tokenizer.add_special_tokens if token.special else self._tokenizer.add_tokens)([token])

    def _eos_token_ids(self, folder: Path) -> tuple[int, ...]:
        found: list[int] = []
        own = self.token_id(self.special_tokens.get("eos_token"))
        if own is not None:
            found.append(own)
        for name in ("generation_config.json", "config.json"):
            if (folder / name).is_file():
                config = read_json(folder / name)
                for part in (config, config.get("text_config")):
                    value = part.get("eos_token_id") if isinstance(part, dict) else None
                    ids = value if isinstance(value, list) else [value]
                    found += [id for id in ids if isinstance(id, int) and not isinstance(id, bool)]
        return tuple(dict.fromkeys(found))

    def _adds_bos(self, config: dict[str, Any]) -> bool:
        if isinstance(config.get("add_bos_token"), bool):
            return config["add_bos_token"]
        bos = self.token_id(self.special_tokens.get("bos_token"))
        return bos is not None and self._tokenizer.encode("a").ids[:1] == [bos]


class Detokenizer:
    """Turns a growing list of ids into text that never shows half a character.

    `"".join(add(id) for id in ids) + flush()` is `Tokenizer.decode(ids)`.
    """

    def __init__(self, tokenizer: Tokenizer, *, skip_special_tokens: bool = True) -> None:
        self._tokenizer = tokenizer
        self._skip_special_tokens = skip_special_tokens
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._at_start = tokenizer.strips_first_space

    def add(self, id: int) -> str:
        """The characters that `id` completes; empty while a character's last byte is still to come."""
        if self._skip_special_tokens and self._tokenizer.is_special(id):
            return ""
        piece = self._tokenizer.token_bytes(id)
        if self._at_start and piece:
            self._at_start = False
            piece = piece.removeprefix(b" ")
        return self._utf8.decode(piece)

    def flush(self) -> str:
        """What is left at the end: nothing, or U+FFFD for a character that was never completed."""
        return self._utf8.decode(b"", final=True)


@functools.lru_cache(maxsize=16)
def _load(folder: Path) -> Tokenizer:
    return Tokenizer(folder)


def _special_tokens(folder: Path, config: dict[str, Any]) -> dict[str, str]:
    path = folder / "special_tokens_map.json"
    named = {**(read_json(path) if path.is_file() else {}), **config}
    tokens = {}
    for name, value in named.items():
        content = value.get("content") if isinstance(value, dict) else value
        if name.endswith("_token") and isinstance(content, str):
            tokens[name] = content
    return tokens


def _sane_length(value: Any) -> int | None:
    # transformers writes 1e30 for "no limit"
    return int(value) if isinstance(value, int | float) and 0 < value < 1e9 else None


def _parts(decoder: dict[str, Any]) -> list[dict[str, Any]]:
    return decoder.get("decoders", []) if decoder.get("type") == "Sequence" else [decoder]


def _has(decoder: dict[str, Any], kind: str) -> bool:
    return any(part.get("type") == kind for part in _parts(decoder))


def _strips_first_space(decoder: dict[str, Any]) -> bool:
    return any(
        (part.get("type") == "Strip" and part.get("content") == " " and part.get("start", 0) > 0)
        or (part.get("type") == "Metaspace" and part.get("prepend_scheme", "always") != "never")
        for part in _parts(decoder)
    )


@functools.cache
def _byte_alphabet() -> dict[str, int]:
    """GPT-2's spelling of bytes: printable Latin-1 stands for itself, the others for U+0100 onwards."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
