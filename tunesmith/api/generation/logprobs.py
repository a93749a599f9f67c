"""Log-probabilities as the two kinds of completion show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tunesmith.data.tokenizer import Tokenizer
from tunesmith.engine_client import PromptLogprob, TokenOutput

IMPOSSIBLE = -9999.0
"""Stands for minus infinity, which JSON does not have; OpenAI uses the same number."""


def token_text(raw: bytes) -> str:
    """A token as text; bytes that are no whole characters are spelt out, as OpenAI spells them."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


def _finite(logprob: float | None) -> float:
    return IMPOSSIBLE if logprob is None or not logprob > IMPOSSIBLE else min(logprob, 0.0)


def _entry(tokenizer: Tokenizer, token_id: int, logprob: float | None) -> dict[str, Any]:
    raw = tokenizer.token_bytes(token_id)
    return {"token": token_text(raw), "logprob": _finite(logprob), "bytes": list(raw)}


def chat_entries(tokenizer: Tokenizer, tokens: Iterable[TokenOutput]) -> list[dict[str, Any]]:
    """`choices[].logprobs.content` for these tokens."""
    return [
        {
            **_entry(tokenizer, token.token_id, token.logprob),
            "top_logprobs": [_entry(tokenizer, top_id, logprob) for top_id, logprob in token.top_logprobs],
        }
        for token in tokens
    ]


class CompletionLogprobs:
    """`choices[].logprobs` of the legacy completions, which counts characters from the start of the text."""

    def __init__(self, tokenizer: Tokenizer, n_top: int) -> None:
        self._tokenizer = tokenizer
        self._n_top = n_top
        self._offset = 0

    def entries(self, tokens: Sequence[TokenOutput | PromptLogprob | tuple[int, None]]) -> dict[str, Any]:
        """The four lists for the next tokens; `(token id, None)` is a prompt's first token, which has
        no probability."""
        found: dict[str, Any] = {"text_offset": [], "token_logprobs": [], "tokens": [], "top_logprobs": []}
        for token in tokens:
            token_id = token[0] if isinstance(token, tuple) else token.token_id
            raw = self._tokenizer.token_bytes(token_id)
            text = token_text(raw)
            found["text_offset"].append(self._offset)
            found["tokens"].append(text)
            self._offset += 0 if self._tokenizer.is_special(token_id) else _new_characters(raw)
            if isinstance(token, tuple):
                found["token_logprobs"].append(None)
                found["top_logprobs"].append(None)
                continue
            found["token_logprobs"].append(_finite(token.logprob))
            tops = {
                token_text(self._tokenizer.token_bytes(top_id)): _finite(logprob)
                for top_id, logprob in token.top_logprobs
            }
            if len(tops) <= self._n_top:
                tops.setdefault(text, _finite(token.logprob))  # the chosen token is always among them
            found["top_logprobs"].append(tops)
        if not self._n_top:
            found["top_logprobs"] = None
        return found


def _new_characters(raw: bytes) -> int:
    """Characters that begin in these bytes: a continuation byte of UTF-8 begins none."""
    return sum(byte & 0xC0 != 0x80 for byte in raw)
