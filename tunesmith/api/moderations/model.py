"""Which model judges: the one that the operator's setting names, for all projects of the server.

OpenAI's names of moderation models stand for it. A tuned model of one project judges for the others too: they
read its verdicts, and may not ask it anything else.
"""

from __future__ import annotations

import logging

from fastapi.concurrency import run_in_threadpool

from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.models.lookup import FoundModel
from tunesmith.api.moderations.scoring import AnswerForm
from tunesmith.api.office import Office
from tunesmith.data.base import Base
from tunesmith.errors import CannotStart, EngineUnavailable, InvalidRequest
from tunesmith.jobs.unknown_model import unknown_model
from tunesmith.store import models
from tunesmith.store.rows import Principal

log = logging.getLogger("tunesmith.moderation")

#: What OpenAI calls its moderation models.
OPENAI_NAMES = (
    "omni-moderation-latest",
    "omni-moderation-2024-09-26",
    "text-moderation-latest",
    "text-moderation-stable",
    "text-moderation-007",
)


def not_configured(param: str | None) -> InvalidRequest:
    """The refusal where the operator has named no model."""
    return InvalidRequest(
        "Moderation is not configured: this server has no moderation model. Its operator can name one with "
        "the setting moderation_model (`tunesmith serve --moderation-model MODEL`, or "
        "TUNESMITH_MODERATION_MODEL): a chat model that this server serves, best one that was fine-tuned on "
        "labelled texts.",
        param=param,
        code="moderation_not_configured",
    )


async def find(office: Office, principal: Principal, asked: str | None) -> FoundModel:
    """The model that judges, for a request that names `asked`.

    Raises InvalidRequest where none is configured, ModelNotFound for another model's name, and
    EngineUnavailable when the configured one cannot be asked.
    """
    name = office.settings.moderation_model
    if name is None:
        raise not_configured("model" if asked is not None else None)
    model = await run_in_threadpool(_configured, office, name, principal.project_id)
    if asked is not None and asked not in (name, model.wire_name, *OPENAI_NAMES):
        raise unknown_model(asked, (model.wire_name, *OPENAI_NAMES))
    return model


def base_of(office: Office, name: str) -> Base | None:
    """The base whose weights answer to one of OpenAI's names of moderation models.

    None for any other name, and where no model can judge.
    """
    configured = office.settings.moderation_model
    if configured is None or name not in OPENAI_NAMES:
        return None
    try:
        return _configured(office, configured, "").base
    except EngineUnavailable:
        return None


def check(office: Office) -> None:
    """Says at the server's start what is wrong with the setting.

    Raises CannotStart for a base that is not served; a tuned model may have been deleted through the API,
    which is no reason not to start.
    """
    name = office.settings.moderation_model
    if name is None:
        return
    try:
        _configured(office, name, "")
    except EngineUnavailable as error:
        if not name.startswith("ft:"):
            raise CannotStart(error.message) from error
        log.warning(error.message)


def _configured(office: Office, name: str, project_id: str) -> FoundModel:
    """The model of this name, whatever project it is of. Raises EngineUnavailable."""
    if name.startswith("ft:"):
        row = models.by_name(office.db, name)
        if row is None:
            raise _unusable(name, "does not exist here")
        model = models_lookup.tuned(office, row, project_id)
    else:
        resolved = office.catalog.resolve(name)
        if resolved is None:
            raise _unusable(name, "is not served; name it with --base-model too")
        model = FoundModel(resolved.wire_name, resolved.base, None, project_id)
    if not model.base.is_chat:
        raise _unusable(name, "has no chat template to ask it with")
    try:
        AnswerForm.load(model.base.path)
    except InvalidRequest as error:  # a template without a system message, say
        raise _unusable(name, f"cannot be asked: {error.message}") from error
    return model


def _unusable(name: str, why: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The setting moderation_model names `{name}`, which {why.rstrip('.')}. The server's operator can "
        "name another model.",
        code="moderation_model_not_available",
        headers={"x-should-retry": "false"},
    )
