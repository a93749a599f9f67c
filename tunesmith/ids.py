"""Ids and the clock: the only places where randomness and wall time enter the office."""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
import time

_ALPHABET = string.ascii_letters + string.digits

#: What each kind of object is called on the wire; the separator belongs to the prefix.
PREFIXES = {
    "file": "file-",
    "upload": "upload_",
    "part": "part_",
    "job": "ftjob-",
    "event": "ftevent-",
    "checkpoint": "ftckpt_",
    "permission": "cp_",
    "model": "model-",
    "chat": "chatcmpl-",
    "completion": "cmpl-",
    "call": "call_",
    "response": "resp_",
    "conversation": "conv_",
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "request": "req_",
    "key": "key_",
    "moderation": "modr-",
    "batch": "batch_",
    "batch_request": "batch_req_",
    "project": "proj_",
    "service_account": "svc_acct_",
    "webhook_endpoint": "whe_",
    "webhook_delivery": "wh_",
    "webhook_event": "evt_",
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


def new_api_key(kind: str = "") -> str:
    """A fresh API key: `sk-`, its kind (`proj-`, `svcacct-`, `admin-`), and 43 letters and digits (256
    bits)."""
    return f"sk-{kind}{random_name(43)}"


def new_webhook_secret() -> str:
    """A fresh signing secret in Standard Webhooks' form: `whsec_` and 33 bytes in base64, without padding."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(33)).decode()


def now() -> int:
    """Unix time in whole seconds, as the wire has it."""
    return int(time.time())


def now_s() -> float:
    """Unix time in seconds with fractions, for leases and durations."""
    return time.time()
