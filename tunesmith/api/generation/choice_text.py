"""One choice of a generation: engine tokens become text, cut at stop strings, with the tokens that made it.

Knows nothing of HTTP; feed it tokens and read what may be shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

from tunesmith.api.generation.stop_strings import StopStrings
from tunesmith.data.tokenizer import Detokenizer, Tokenizer
from tunesmith.engine_client import PromptLogprob, TokenOutput


class Delta(NamedTuple):
    """What one token made visible."""

    text: str
    tokens: Sequence[TokenOutput]
    """The tokens whose text has become visible; empty unless asked to keep them."""
    finish_reason: str | None
    """`stop` or `length` with the last delta of a choice."""


class ChoiceText:
    """Grows by tokens. After a delta with a finish reason, no more tokens may come."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        stops: Sequence[str] = (),
        *,
        keep_tokens: bool = False,
        shown_tokens: Collection[int] = (),
    ) -> None:
        """`shown_tokens` are special tokens that are text here, as a template's tags around tool calls."""
        self._tokenizer = tokenizer
        self._detokenizer = Detokenizer(tokenizer)
        self._shown_tokens = shown_tokens
        self._stops = StopStrings(stops)
        self._keep_tokens = keep_tokens
        self._waiting: deque[tuple[int, int, TokenOutput]] = deque()  # first and last character, token
        self._decoded_chars = 0
        self._shown_chars = 0
        self.n_tokens = 0
        """Tokens generated, the end token and those of a stop string included."""
        self.prompt_logprobs: list[PromptLogprob | None] | None = None
        """Those of the prompt's tokens, once the first token is there and if they were asked for."""
        self.cached_tokens: int | None = None
        """Of the prompt's tokens, those that the engine had computed before; None until the end."""

    @property
    def is_cut(self) -> bool:
        """Whether a stop string of the client's has cut it, wherever in its text that was."""
        return self._stops.found

    def add(self, output: TokenOutput) -> Delta:
        """Takes the next token of the engine."""
        self.n_tokens += 1
        if output.prompt_logprobs is not None:
            self.prompt_logprobs = output.prompt_logprobs
        finish_reason: str | None = output.finish_reason
        ended_by_token = finish_reason == "stop"
        text = "" if ended_by_token else self._text(output.token_id)
        if finish_reason is not None:
            text += self._detokenizer.flush()
            self.cached_tokens = output.cached_tokens
        if self._keep_tokens and not ended_by_token:
            start = self._decoded_chars
            self._decoded_chars += len(text)
            self._waiting.append((start, self._decoded_chars, output))
        shown = self._stops.add(text)
        if self._stops.found:
            finish_reason = "stop"
        elif finish_reason is not None:
            shown += self._stops.flush()
        if not self._keep_tokens:
            return Delta(shown, (), finish_reason)
        self._shown_chars += len(shown)
        return Delta(shown, self._visible(), finish_reason)

    def _text(self, token_id: int) -> str:
        if token_id in self._shown_tokens:
            return self._tokenizer.token_bytes(token_id).decode(errors="replace")
        return self._detokenizer.add(token_id)

    def _visible(self) -> list[TokenOutput]:
        """Takes the waiting tokens whose text has been shown; a cut inside a token shows it."""
        tokens = []
        while self._waiting:
            start, end, output = self._waiting[0]
            cut_inside = self._stops.found and start < self._shown_chars
            if end > self._shown_chars and not cut_inside:
                break
            tokens.append(output)
            self._waiting.popleft()
        return tokens
