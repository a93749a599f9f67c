"""The connection: the `openai` client, set up from the environment, and nothing else.

`OPENAI_BASE_URL` and `OPENAI_API_KEY` decide, as they do for any OpenAI script; without them it is the
local server. Only calls of OpenAI's own API are made through it, so any compatible server will do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai import OpenAI

LOCAL_BASE_URL = "http://127.0.0.1:8000/v1"


def base_url() -> str:
    """Where the commands go: `OPENAI_BASE_URL`, or the local server."""
    return os.environ.get("OPENAI_BASE_URL") or LOCAL_BASE_URL


def connect() -> OpenAI:
    """A client for `base_url()`. Nothing is sent yet."""
    from openai import OpenAI  # half a second to import: only commands that talk to a server pay for it

    # Some compatible servers ask for no key; one that does answers 401, and `explain` says what to set.
    return OpenAI(base_url=base_url(), api_key=os.environ.get("OPENAI_API_KEY") or "no-key")
