"""Strings as JSON, fast and safe for readers of event streams."""

from __future__ import annotations

from json.encoder import encode_basestring

#: Line ends for some readers of event streams, though not for the standard's.
_LINE_ENDS = {"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def quoted(text: str) -> str:
    """`text` as a JSON string, in UTF-8 where it is more than ASCII."""
    encoded = encode_basestring(text)
    if not encoded.isascii():
        for char, escape in _LINE_ENDS.items():
            encoded = encoded.replace(char, escape)
    return encoded
