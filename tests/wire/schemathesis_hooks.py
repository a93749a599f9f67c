"""What schemathesis needs to know of this server: objects that exist, short answers, and the error shape.

Loaded by the `schemathesis` command through SCHEMATHESIS_HOOKS; `test_schemathesis.py` starts it. The ids
that exist come in the environment variable FUZZ_IDS, as JSON: name of the path parameter -> ids.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

IDS: dict[str, list[str]] = json.loads(os.environ.get("FUZZ_IDS", "{}"))
MODELS = ("gpt-4o-mini", "nano", *IDS.get("model", ()))
SHORT = {"max_completion_tokens": 4, "max_tokens": 4, "max_output_tokens": 16}
"""Bounds on what a case may make the model write; the rest of the request stays as generated."""
GENERATION_PATHS = {
    "/v1/chat/completions": ("max_completion_tokens", "max_tokens"),
    "/v1/completions": ("max_tokens",),
    "/v1/responses": ("max_output_tokens",),
}


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Lets about half of the cases meet objects and models that exist, and keeps generations short."""
    chance = random.Random(repr((case.path_parameters, case.body)))
    for name in case.path_parameters or {}:
        if IDS.get(name) and case.method != "DELETE" and chance.random() < 0.5:
            case.path_parameters[name] = chance.choice(IDS[name])
    body = case.body
    if not isinstance(body, dict):
        return
    if isinstance(body.get("model"), str) and chance.random() < 0.5:
        body["model"] = chance.choice(MODELS)
    for name in ("training_file", "input_file_id", "file_id"):
        if isinstance(body.get(name), str) and IDS.get("file_id") and chance.random() < 0.5:
            body[name] = chance.choice(IDS["file_id"])
    for name in GENERATION_PATHS.get(case.operation.path, ()):
        if isinstance(body.get(name, 1 << 20), int) and body.get(name, 1 << 20) > SHORT[name]:
            body[name] = SHORT[name]
    for name in ("n", "best_of"):
        if isinstance(body.get(name), int) and body[name] > 4:
            body[name] = 4


@schemathesis.check
def error_shape(ctx: CheckContext, response: Response, case: Case) -> None:
    """Every refusal is OpenAI's error object, and every answer carries its request id."""
    assert response.headers.get("x-request-id"), "no x-request-id"
    if response.status_code < 400:
        return
    body = response.json()
    assert set(body) == {"error"}, body
    assert {"message", "type", "param", "code"} <= set(body["error"]), body
    assert isinstance(body["error"]["message"], str) and body["error"]["message"], body
    assert response.status_code != 422, "422 is not a status of this API"
