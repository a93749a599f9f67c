"""`Range` of a download (RFC 9110, section 14): one range of bytes, or the whole.

What is no range that we know (another unit, several ranges, nonsense) is passed over, as the RFC allows, and
the answer is the whole; a range that lies beyond the end is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers

from tunesmith.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class ByteRange:
    """Bytes [start, end) of a content of `size_bytes`."""

    start: int
    end: int
    size_bytes: int

    def headers(self) -> dict[str, str]:
        """What a 206 says about itself."""
        return {
            "content-range": f"bytes {self.start}-{self.end - 1}/{self.size_bytes}",
            "content-length": str(self.end - self.start),
        }


def asked_range(headers: Headers, size_bytes: int, etag: str) -> ByteRange | None:
    """The range that a request asks for, None for the whole. Raises RangeNotSatisfiable.

    With `If-Range` the range counts only for the content of that entity tag.
    """
    if headers.get("if-range", etag) != etag:
        return None
    match = _ONE_RANGE.fullmatch(headers.get("range", ""))
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:  # the last so many bytes
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start = int(first)
        end = min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= end:
        raise RangeNotSatisfiable(
            f"The range '{match.group()}' lies outside of the content, which has {size_bytes} bytes.",
            param="Range",
            headers={"content-range": f"bytes */{size_bytes}"},
        )
    return ByteRange(start, end, size_bytes)
