"""`/v1/embeddings`: texts or token ids in, unit vectors out.

Any model here has embeddings: a base's hidden states, or a tuned model's. OpenAI's embedding models stand for
the base that the server's settings name, the default base if they name none; they cannot be chatted with.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api import rate_limits
from tunesmith.api.auth import Caller
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.http.sse import ClientGone, unless_gone
from tunesmith.api.metering import Served
from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.models.lookup import FoundModel
from tunesmith.api.office import Office, OfficeDep
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import ContextLengthExceeded, InvalidRequest
from tunesmith.store.rows import Principal
from tunesmith.wire import limits
from tunesmith.wire.embeddings import EmbeddingList, EmbeddingRequest

router = APIRouter(prefix="/v1/embeddings", tags=["embeddings"])

_INLINE_CHARS = 2048
"""More text than this is tokenised off the event loop."""


@router.post("", response_model=EmbeddingList, openapi_extra=documented(EmbeddingRequest))
async def create_embeddings(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    body: Annotated[EmbeddingRequest, Depends(json_body(EmbeddingRequest))],
) -> Response:
    """A vector for each input."""
    try:
        return await unless_gone(request.receive, _answer(office, principal, request, body))
    except ClientGone:
        return Response(status_code=499)


async def _answer(office: Office, principal: Principal, request: Request, body: EmbeddingRequest) -> Response:
    model = await _find(office, principal, body.model)
    n_dimensions = body.dimensions or model.base.hidden_size
    if n_dimensions > model.base.hidden_size:
        raise InvalidRequest(
            f"Invalid value for 'dimensions': the embeddings of `{model.wire_name}` have "
            f"{model.base.hidden_size} dimensions; ask for at most so many.",
            param="dimensions",
            code="invalid_value",
        )
    tokenizer = Tokenizer.load(model.base.path)
    n_chars = sum(len(one) for one in body.input if isinstance(one, str))
    if n_chars > _INLINE_CHARS:
        inputs = await run_in_threadpool(_token_ids, body.input, tokenizer, model)
    else:
        inputs = _token_ids(body.input, tokenizer, model)
    n_tokens = sum(map(len, inputs))
    rate_limits.admit(
        principal, model.adapter.base_name if model.adapter else model.wire_name, input_tokens=n_tokens
    )
    client = await models_lookup.engine_for(office, model)
    request.scope["tunesmith.served"] = Served("embeddings", model.wire_name, lambda: (n_tokens, 0, 0))
    vectors = await client.embed(inputs, model.adapter.id if model.adapter else None)
    as_base64 = body.encoding_format == "base64"
    answer = await run_in_threadpool(_json, vectors, n_dimensions, as_base64, model.wire_name, n_tokens)
    return Response(answer, media_type="application/json")


async def _find(office: Office, principal: Principal, name: str) -> FoundModel:
    resolved = office.catalog.resolve_embedding(name)
    if resolved is not None:
        return FoundModel(resolved.wire_name, resolved.base, None, principal.project_id)
    return await models_lookup.find_async(office, principal, name)


def _token_ids(inputs: Sequence[str | list[int]], tokenizer: Tokenizer, model: FoundModel) -> list[list[int]]:
    """Each input's token ids. Raises InvalidRequest that names the input."""
    context_length = model.base.context_length
    encoded: list[list[int]] = []
    n_tokens = 0
    for index, one in enumerate(inputs):
        if isinstance(one, str):
            # no text has fewer tokens than its bytes divided by the longest token's
            at_least = -(-len(one.encode()) // tokenizer.longest_token_bytes)
            if at_least > context_length:
                raise _too_long(index, context_length, f"at least {at_least}")
            token_ids = tokenizer.encode_for_vector(one)
        else:
            token_ids = one
            if (strange := max(one)) >= tokenizer.vocab_size:
                raise InvalidRequest(
                    f"Invalid 'input[{index}]': token {strange} does not exist; the token ids of "
                    f"`{model.wire_name}` go from 0 to {tokenizer.vocab_size - 1}.",
                    param="input",
                    code="invalid_value",
                )
        if len(token_ids) > context_length:
            raise _too_long(index, context_length, str(len(token_ids)))
        n_tokens += len(token_ids)
        if n_tokens > limits.MAX_EMBEDDING_TOKENS:
            raise InvalidRequest(
                f"Invalid 'input': the inputs have more than {limits.MAX_EMBEDDING_TOKENS} tokens together; "
                f"send those from input[{index}] on in another request.",
                param="input",
                code="max_tokens_per_request",
            )
        encoded.append(token_ids)
    return encoded


def _too_long(index: int, context_length: int, count: str) -> ContextLengthExceeded:
    return ContextLengthExceeded(
        f"This model's maximum context length is {context_length} tokens. However, input[{index}] has "
        f"{count} tokens. Please reduce its length.",
        param="input",
    )


def _json(
    vectors: Sequence[Sequence[float]], n_dimensions: int, as_base64: bool, model: str, n_tokens: int
) -> bytes:
    """The answer's body."""
    data = []
    for index, vector in enumerate(vectors):
        cut = array("f", vector[:n_dimensions])
        if len(cut) < len(vector):
            length = math.hypot(*cut) or 1.0
            cut = array("f", [value / length for value in cut])
        embedding = b64encode(_little_endian(cut)).decode() if as_base64 else cut.tolist()
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    usage = {"prompt_tokens": n_tokens, "total_tokens": n_tokens}
    return json.dumps({"object": "list", "data": data, "model": model, "usage": usage}).encode()


def _little_endian(vector: array[float]) -> bytes:
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return vector.tobytes()
