"""Speed and time left, smoothed: recent steps count more, by a half-life in seconds."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

_HALF_LIFE_S = 10.0


class Progress:
    """Follows tokens done on a monotonic clock; everything between two steps counts, validation included."""

    def __init__(
        self, total_tokens: int, done_tokens: int = 0, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._total, self._done = total_tokens, done_tokens
        self._clock = clock
        self._at = clock()
        self._tokens = 0.0
        self._seconds = 0.0

    def add(self, tokens: int) -> None:
        """`tokens` more are done now."""
        now = self._clock()
        seconds = now - self._at
        self._at = now
        fade = 0.5 ** (seconds / _HALF_LIFE_S)
        self._tokens = self._tokens * fade + tokens
        self._seconds = self._seconds * fade + seconds
        self._done += tokens

    @property
    def tokens_per_s(self) -> float:
        """Smoothed speed; 0 before the first step."""
        return self._tokens / self._seconds if self._seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """Estimate by the smoothed speed; 0 when it is not known yet."""
        speed = self.tokens_per_s
        return max(self._total - self._done, 0) / speed if speed > 0 else 0.0
