"""Talks to one inference engine, ours or vLLM: token ids in, token ids out, over HTTP in vLLM's dialect.

It knows neither text nor OpenAI's names; `api/generation/` makes text of the tokens. It needs no torch.
"""

from tunesmith.engine_client.client import EngineClient
from tunesmith.engine_client.connection import ConnectionPool
from tunesmith.engine_client.messages import FinishReason, GenerateRequest, PromptLogprob, TokenOutput

__all__ = [
    "ConnectionPool",
    "EngineClient",
    "FinishReason",
    "GenerateRequest",
    "PromptLogprob",
    "TokenOutput",
]
