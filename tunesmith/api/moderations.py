"""`/v1/moderations`: says that there is no moderation model here, and what to do instead.

A verdict that no model stands behind would be worse than none: whoever asks acts on it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from tunesmith.api.auth import Caller
from tunesmith.api.json_body import documented, json_body
from tunesmith.errors import InvalidRequest
from tunesmith.wire.moderations import ModerationRequest

router = APIRouter(prefix="/v1/moderations", tags=["moderations"])


@router.post("", openapi_extra=documented(ModerationRequest))
async def create_moderation(
    principal: Caller, body: Annotated[ModerationRequest, Depends(json_body(ModerationRequest))]
) -> None:
    """Refuses: this server has no moderation model."""
    raise InvalidRequest(
        "Moderation is not configured: this server has no moderation model, and no setting can name one yet. "
        "Fine-tune a model on texts that you have labelled and ask it with POST /v1/chat/completions, or "
        "send moderation requests to a service that has such a model.",
        param="model" if body.model is not None else None,
        code="moderation_not_configured",
    )
