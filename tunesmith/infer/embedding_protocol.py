"""vLLM's `/v1/embeddings` (names and shapes as in vLLM 0.32), as far as an engine without text needs it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, Field

from tunesmith.errors import ContextLengthExceeded, InvalidRequest
from tunesmith.infer.protocol import TokenId


class EmbeddingRequest(BaseModel):
    """`POST /v1/embeddings`: vectors of token ids."""

    model: str = Field(max_length=256)
    input: list[Annotated[list[TokenId], Field(min_length=1)]] = Field(min_length=1, max_length=2048)
    encoding_format: Literal["float", "base64"] = "float"

    def check(self, *, n_vocab: int, context_length: int, **_: Any) -> None:
        """Raises InvalidRequest for tokens that the model does not have and inputs that do not fit."""
        for index, tokens in enumerate(self.input):
            strange = next((token for token in tokens if token >= n_vocab), None)
            if strange is not None:
                raise InvalidRequest(
                    f"input[{index}] holds token {strange}; the model has tokens 0 to {n_vocab - 1}",
                    param="input",
                )
            if len(tokens) > context_length:
                raise ContextLengthExceeded(
                    f"This model's maximum context length is {context_length} tokens, however input[{index}] "
                    f"has {len(tokens)} tokens. Please reduce it.",
                    param="input",
                )


def embeddings_body(request: EmbeddingRequest, vectors: list[torch.Tensor]) -> bytes:
    """The answer with the inputs' vectors; base64 is of little-endian float32."""
    values: list[Any] = [vector.tolist() for vector in vectors] if request.encoding_format == "float" else []
    if request.encoding_format == "base64":
        values = [b64encode(vector.numpy().astype("<f4").tobytes()).decode() for vector in vectors]
    data = [{"object": "embedding", "index": i, "embedding": value} for i, value in enumerate(values)]
    n_tokens = sum(map(len, request.input))
    usage = {"prompt_tokens": n_tokens, "total_tokens": n_tokens}
    return json.dumps({"object": "list", "data": data, "model": request.model, "usage": usage}).encode()
