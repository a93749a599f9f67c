"""Our wire beside OpenAI's published schema: every difference is found, and every one has its reason."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.conftest import RunningServer
from tests.wire import fidelity
from tests.wire.schema_shape import Document, answer_gaps, request_gaps


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return fidelity.our_document()


def test_the_server_gives_the_document_that_is_compared(
    server: RunningServer, document: dict[str, Any]
) -> None:
    assert httpx2.get(f"{server.root_url}/openapi.json").json() == json.loads(json.dumps(document))


def test_every_difference_from_openais_schema_has_its_reason(document: dict[str, Any]) -> None:
    assert fidelity.unexplained(fidelity.differences(document), fidelity.Explained.load()) == []


def test_the_reference_page_is_what_the_comparison_gives(document: dict[str, Any]) -> None:
    written = (fidelity.REFERENCE / "openai-api.md").read_text()
    assert written == fidelity.page(document, fidelity.Explained.load()), (
        "run python -m tests.wire.fidelity --write"
    )


# -- the comparison itself sees what it should ------------------------------------------------------

_THEIRS = {
    "type": "object",
    "required": ["model"],
    "properties": {
        "model": {"type": "string"},
        "mode": {"enum": ["fast", "slow"]},
        "stop": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}},
    },
}


def _changed(**properties: Any) -> dict[str, Any]:
    kept = {name: value for name, value in (_THEIRS["properties"] | properties).items() if value is not None}  # type: ignore[operator]
    return {**_THEIRS, "properties": kept}


@pytest.mark.parametrize(
    ("ours", "places"),
    [
        (_THEIRS, []),
        (_changed(mode=None), ["mode"]),
        (_changed(mode={"enum": ["fast"]}), ["mode"]),
        (_changed(stop={"type": "string"}), ["stop"]),
        (
            _changed(parts={"type": "array", "items": {"type": "object", "properties": {"x": {}}}}),
            ["parts[].text"],
        ),
        ({**_THEIRS, "required": ["model", "mode"]}, ["mode"]),
        ({**_THEIRS, "required": []}, ["model"]),
    ],
)
def test_a_narrower_request_is_a_difference(ours: dict[str, Any], places: list[str]) -> None:
    gaps = request_gaps((Document(_THEIRS), _THEIRS), (Document(ours), ours))
    assert [gap.place for gap in gaps] == places


@pytest.mark.parametrize(
    ("ours", "places"),
    [
        (_THEIRS, []),
        (_changed(model={"anyOf": [{"type": "string"}, {"type": "null"}]}), ["model"]),
        (_changed(model=None), ["model"]),
        (_changed(mode={"type": "string"}), ["mode"]),
        (_changed(extra={"type": "string"}), ["extra"]),
        ({**_THEIRS, "required": []}, ["model"]),
    ],
)
def test_a_wider_answer_is_a_difference(ours: dict[str, Any], places: list[str]) -> None:
    gaps = answer_gaps((Document(_THEIRS), _THEIRS), (Document(ours), ours))
    assert [gap.place for gap in gaps] == places
