"""Stop strings over a text that arrives in pieces.

The generation ends where the text first contains a stop string, and the stop string is not part of it. What
may turn out to be the beginning of one is held back. The outcome does not depend on how the text is cut
into pieces.
"""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """Lets text through until one of `stops` is complete."""

    def __init__(self, stops: Sequence[str]) -> None:
        assert all(stops), "a stop string may not be empty"
        self._stops = tuple(stops)
        self._longest = max(map(len, stops), default=0)
        self._held = ""
        self.found = False
        """Whether a stop string was met; nothing comes through any more."""

    def add(self, text: str) -> str:
        """The text that is now certain to be before any stop string."""
        if not self._stops:
            return text
        if self.found:
            return ""
        buffer = self._held + text
        # the stop that is complete first wins, and of those complete at one place the longest
        matches = [(at + len(stop), at) for stop in self._stops if (at := buffer.find(stop)) >= 0]
        if matches:
            self.found = True
            self._held = ""
            return buffer[: min(matches)[1]]
        kept = self._beginning_at_end(buffer)
        self._held = buffer[len(buffer) - kept :]
        return buffer[: len(buffer) - kept]

    def flush(self) -> str:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        return held

    def _beginning_at_end(self, buffer: str) -> int:
        """Length of the longest end of `buffer` that some stop string begins with."""
        for length in range(min(self._longest - 1, len(buffer)), 0, -1):
            end = buffer[-length:]
            if any(stop.startswith(end) for stop in self._stops):
                return length
        return 0
