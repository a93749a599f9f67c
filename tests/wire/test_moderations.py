"""Moderations: refused with a reason, since no model here can judge."""

from __future__ import annotations

import httpx2
import pytest
from openai import BadRequestError, OpenAI


@pytest.mark.parametrize("asked", ["hello", ["a", "b"], [{"type": "text", "text": "a"}]])
def test_a_moderation_is_refused_with_what_to_do_instead(client: OpenAI, asked) -> None:
    with pytest.raises(BadRequestError, match="Moderation is not configured") as raised:
        client.moderations.create(input=asked, model="omni-moderation-latest")
    assert (raised.value.code, raised.value.param) == ("moderation_not_configured", "model")
    assert "/v1/chat/completions" in str(raised.value)


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "input"), ({"input": 7}, "input"), ({"input": []}, "input"), ({"input": [[1]]}, "input")],
)
def test_what_is_wrong_with_the_request_comes_first(http: httpx2.Client, body, param) -> None:
    answer = http.post("/v1/moderations", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_it_needs_a_key_like_every_route(nobody: httpx2.Client) -> None:
    assert nobody.post("/v1/moderations", json={"input": "x"}).status_code == 401
