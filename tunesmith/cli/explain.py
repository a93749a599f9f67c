"""An exception becomes the one sentence that the user reads: what went wrong, and what to do next.

What is not in here is a fault of ours; it keeps its traceback.
"""

from __future__ import annotations

import os
import sys

from tunesmith.cli.client import base_url
from tunesmith.errors import TunesmithError


def explain(error: Exception) -> str | None:
    """The sentence for an error that the user can mend, None for any other."""
    if isinstance(error, TunesmithError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    # An error of a package that was never imported cannot have been raised: look, do not import.
    if "openai" in sys.modules:
        return _explain_openai(error)
    return None


def _explain_openai(error: Exception) -> str | None:
    import httpx2
    import openai

    if isinstance(error, openai.APITimeoutError):
        return f"The server at {base_url()} did not answer in time; try again, or look at its log."
    if isinstance(error, openai.APIConnectionError):
        if isinstance(error.__cause__, httpx2.ConnectError):
            return (
                f"Nothing answers at {base_url()}: start the server with `tunesmith serve`, "
                "or set OPENAI_BASE_URL to where yours is."
            )
        return f"The connection to {base_url()} broke ({error.__cause__ or error}); try again."
    if isinstance(error, openai.AuthenticationError):
        if not os.environ.get("OPENAI_API_KEY"):
            return (
                f"The server at {base_url()} wants an API key: set OPENAI_API_KEY to the key "
                "that `tunesmith serve` printed at its first start."
            )
        return f"{_message(error)} (The key comes from OPENAI_API_KEY.)"
    if isinstance(error, openai.APIStatusError):
        request = f" (request {error.request_id})" if error.status_code >= 500 and error.request_id else ""
        return f"{_message(error)}{request}"
    if isinstance(error, openai.APIError):  # an error event in the middle of a stream
        return _message(error)
    if isinstance(error, httpx2.HTTPError):
        return f"The connection to {base_url()} broke ({error or type(error).__name__}); try again."
    if isinstance(error, openai.OpenAIError):
        return str(error)
    return None


def _message(error: Exception) -> str:
    """The server's own sentence, without the client's `Error code: 404 - {…}` around it."""
    body = getattr(error, "body", None)
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return body["message"]
    return str(getattr(error, "message", error))
