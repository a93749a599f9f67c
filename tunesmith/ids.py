"""Ids and the clock: the only places where randomness and wall time enter the office."""

from __future__ import annotations

import hashlib
import secrets
import string
import time

_ALPHABET = string.ascii_letters + string.digits

#: What each kind of object is called on the wire; the separator belongs to the prefix.
PREFIXES = {
    "file": "file-",
    "job": "ftjob-",
    "event": "ftevent-",
    "checkpoint": "ftckpt_",
    "model": "model-",
    "chat": "chatcmpl-",
    "completion": "cmpl-",
    "call": "call_",
    "request": "req_",
    "key": "key_",
    "project": "proj_",
}


def new_id(kind: str, length: int = 24) -> str:
    """A fresh id such as `ftjob-…`, with `length` random letters and digits (24 are 142 bits)."""
    return PREFIXES[kind] + random_name(length)


def derived_id(kind: str, *parts: str, length: int = 24) -> str:
    """The id that always belongs to these parts: asking twice with one idempotency key gives one object."""
    number = int.from_bytes(hashlib.sha256("\x00".join(parts).encode()).digest())
    name = ""
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        name += _ALPHABET[digit]
    return PREFIXES[kind] + name


def random_name(length: int) -> str:
    """`length` random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_api_key() -> str:
    """A fresh API key: `sk-` and 43 letters and digits (256 bits)."""
    return "sk-" + random_name(43)


def now() -> int:
    """Unix time in whole seconds, as the wire has it."""
    return int(time.time())


def now_s() -> float:
    """Unix time in seconds with fractions, for leases and durations."""
    return time.time()
