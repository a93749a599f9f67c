"""`/v1/embeddings` through the real client, and raw where the client hides the bytes."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from tests.conftest import RunningServer
from tunesmith.data.base import Catalog, read_base
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import BaseUnavailable
from tunesmith.settings import NANO

MODEL = "text-embedding-3-small"
WIDTH = 256  # of nano
TEXTS = ["The train leaves at noon.", "At twelve the train departs.", "My cat sleeps."]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def embedder(server: RunningServer) -> Iterator[OpenAI]:
    """The client as its users have it: it asks for base64, which its own strict types do not know."""
    with OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0, timeout=110) as one:
        yield one


def post(server: RunningServer, **body: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    return httpx2.post(f"{server.base_url}/embeddings", json=body, headers=headers, timeout=60)


def test_each_text_has_a_unit_vector_in_its_order(embedder: OpenAI, client: OpenAI) -> None:
    answer = embedder.embeddings.create(model=MODEL, input=TEXTS)
    assert [entry.index for entry in answer.data] == [0, 1, 2] and answer.model == MODEL
    vectors = [entry.embedding for entry in answer.data]
    assert all(
        len(vector) == WIDTH and math.hypot(*vector) == pytest.approx(1, abs=1e-5) for vector in vectors
    )
    assert cosine(vectors[0], vectors[1]) > max(
        cosine(vectors[0], vectors[2]), cosine(vectors[1], vectors[2])
    )
    n_tokens = sum(len(Tokenizer.load(NANO).encode(text)) for text in TEXTS)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == n_tokens
    for text, vector in zip(TEXTS, vectors, strict=True):
        alone = client.embeddings.create(model=MODEL, input=text, encoding_format="float").data[0].embedding
        assert alone == pytest.approx(vector, abs=1e-4)


def test_token_ids_say_the_same_as_their_text(embedder: OpenAI) -> None:
    ids = [Tokenizer.load(NANO).encode(text) for text in TEXTS]
    of_texts = [entry.embedding for entry in embedder.embeddings.create(model=MODEL, input=TEXTS).data]
    of_ids = [entry.embedding for entry in embedder.embeddings.create(model="nano", input=ids).data]
    (of_one,) = embedder.embeddings.create(model="gpt-4o-mini", input=ids[0]).data
    for ours, theirs in zip([*of_ids, of_one.embedding], [*of_texts, of_texts[0]], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_base64_is_little_endian_float32_and_float_is_the_default(server: RunningServer) -> None:
    encoded = post(server, model=MODEL, input=TEXTS[0], encoding_format="base64").json()["data"][0]
    plain = post(server, model=MODEL, input=TEXTS[0]).json()["data"][0]
    assert list(struct.unpack(f"<{WIDTH}f", base64.b64decode(encoded["embedding"]))) == plain["embedding"]
    assert encoded["object"] == "embedding"


def test_fewer_dimensions_are_the_first_ones_as_a_unit_vector(embedder: OpenAI) -> None:
    whole = embedder.embeddings.create(model=MODEL, input=TEXTS[0]).data[0].embedding
    for n in (1, 64, WIDTH):
        cut = embedder.embeddings.create(model=MODEL, input=TEXTS[0], dimensions=n).data[0].embedding
        length = math.hypot(*whole[:n])
        assert cut == pytest.approx([value / length for value in whole[:n]], abs=1e-5) and len(cut) == n


def test_a_tuned_model_has_vectors_of_its_own(embedder: OpenAI, tuned_model: str) -> None:
    answer = embedder.embeddings.create(model=tuned_model, input=TEXTS[0])
    base = embedder.embeddings.create(model=MODEL, input=TEXTS[0])
    assert answer.model == tuned_model
    assert 0.1 < cosine(answer.data[0].embedding, base.data[0].embedding) < 0.99999


def test_many_inputs_come_back_in_order(embedder: OpenAI) -> None:
    inputs = [[300 + i % 700, 400 + i // 700] for i in range(2048)]
    many = embedder.embeddings.create(model=MODEL, input=inputs, dimensions=8).data
    assert [entry.index for entry in many] == list(range(2048))
    for i in (0, 255, 256, 2047):
        (one,) = embedder.embeddings.create(model=MODEL, input=[inputs[i]], dimensions=8).data
        assert one.embedding == pytest.approx(many[i].embedding, abs=1e-3)


def test_embedding_models_are_no_chat_models(embedder: OpenAI) -> None:
    with pytest.raises(NotFoundError):
        embedder.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(NotFoundError) as caught:
        embedder.embeddings.create(model="text-embedding-4", input="a")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"input": ""}, "input", "empty string"),
        ({"input": []}, "input", "empty array"),
        ({"input": ["a", ""]}, "input", r"input\[1\] cannot be an empty string"),
        ({"input": [[5], []]}, "input", r"input\[1\] cannot be an empty array"),
        ({"input": ["a", 1]}, "input", "without a mixture"),
        ({"input": ["a", [1]]}, "input", "without a mixture"),
        ({"input": [-1]}, "input", "expected a string"),
        ({"input": [1.5]}, "input", "expected a string"),
        ({"input": 1}, "input", "an integer"),
        ({"input": None}, "input", "null"),
        ({"input": [[5], [4096]]}, "input", r"input\[1\].*4096 does not exist"),
        ({"input": ["a"] * 2049}, "input", "at most 2048"),
        ({"input": ["a", "word " * 3000]}, "input", r"input\[1\] has \d+ tokens"),
        ({"input": "x" * 1_000_000}, "input", r"input\[0\] has at least"),
        ({"input": [[5] * 2000] * 151}, "input", r"300000 tokens together.*input\[150\]"),
        ({"dimensions": 0}, "dimensions", "greater than or equal|minimum|>= 1|at least"),
        ({"dimensions": WIDTH + 1}, "dimensions", "256 dimensions"),
        ({"encoding_format": "hex"}, "encoding_format", "float"),
        ({"truncate": True}, "truncate", "truncate"),
    ],
)
def test_what_cannot_be_embedded_is_refused_by_name(
    server: RunningServer, body: dict[str, Any], param: str, says: str
) -> None:
    response = post(server, **{"model": MODEL, "input": "a", **body})
    error = response.json()["error"]
    assert response.status_code == 400 and error["type"] == "invalid_request_error"
    assert error["param"] == param or (error["param"] is None and param in error["message"])
    assert re.search(says, error["message"], re.DOTALL), error["message"]


def test_a_text_that_is_too_long_has_the_code_that_clients_look_for(embedder: OpenAI) -> None:
    with pytest.raises(BadRequestError) as caught:
        embedder.embeddings.create(model=MODEL, input=["fine", "word " * 3000])
    assert caught.value.code == "context_length_exceeded"


def test_an_operator_names_the_base_that_embedding_models_stand_for() -> None:
    nano = read_base(NANO)
    made_for_it = replace(nano, id="embedder", path=NANO.parent)
    catalog = Catalog([nano, made_for_it], {"text-embedding-ada-002": "nano"}, embedding="embedder")
    for name, base in ((MODEL, made_for_it), ("text-embedding-ada-002", nano), ("nano", nano)):
        resolved = catalog.resolve_embedding(name)
        assert resolved is not None and resolved.base is base
    assert catalog.resolve(MODEL) is None and catalog.default is nano
    with pytest.raises(BaseUnavailable, match="nowhere"):
        Catalog([nano], {}, embedding="nowhere")
