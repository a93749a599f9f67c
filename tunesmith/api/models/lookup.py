"""The one place where a model's name on the wire becomes weights: a base, or a base with an adapter.

A tuned model is served on the base it was trained on and on no other, compared by digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fastapi.concurrency import run_in_threadpool

from tunesmith.api.office import Office
from tunesmith.data.base import Base
from tunesmith.engine_client import EngineClient
from tunesmith.errors import EngineUnavailable, ModelNotFound
from tunesmith.jobs.unknown_model import unknown_model
from tunesmith.store import models
from tunesmith.store.blobs import ObjectCorrupt, ObjectMissing
from tunesmith.store.rows import ModelRow, Principal


@dataclass(frozen=True)
class FoundModel:
    """What a name means."""

    wire_name: str
    """The name that answers carry: the dated snapshot of an alias, a tuned model's own name."""
    base: Base
    adapter: ModelRow | None
    """The tuned model or checkpoint, None for a base."""
    project_id: str
    """Who asks: prompts' beginnings are reused within a project only."""

    @property
    def prompts_are_user_turns(self) -> bool:
        """Whether its training saw prompts as user messages: prompt and completion rows on a chat model."""
        return self.adapter is not None and self.adapter.row_format == "completion" and self.base.is_chat

    @property
    def fingerprint(self) -> str:
        """Changes when the weights behind the name do."""
        digest = self.base.digest.removeprefix("sha256:")
        return f"fp_{digest[:10]}"


def find_row(office: Office, principal: Principal, name: str) -> ModelRow | None:
    """The tuned model or checkpoint of this name that the project may use."""
    return models.get_by_name(office.db, principal.project_id, name) if name.startswith("ft:") else None


def find(office: Office, principal: Principal, name: str) -> FoundModel:
    """What `name` means for this project.

    Raises ModelNotFound with the nearest names, and EngineUnavailable for a tuned model whose base is not
    served here.
    """
    row = find_row(office, principal, name)
    if row is not None:
        return tuned(office, row, principal.project_id)
    resolved = office.catalog.resolve(name)
    if resolved is None:
        raise not_found(office, principal, name)
    return FoundModel(resolved.wire_name, resolved.base, None, principal.project_id)


def tuned(office: Office, row: ModelRow, project_id: str) -> FoundModel:
    """A tuned model or checkpoint on its base. Raises EngineUnavailable where that is not served here."""
    base = office.catalog.by_id(row.base_id)
    if base is None or base.digest != row.base_digest:
        problem = "which is not loaded" if base is None else "whose weights are others now"
        raise EngineUnavailable(
            f"The model `{row.name}` was trained on the base model {row.base_id}, {problem}. Start "
            "the server with "
            f"--base-model naming the {row.base_id} that it was trained on (sha256 "
            f"{row.base_digest.removeprefix('sha256:')[:12]}).",
            code="base_model_not_available",
            headers={"x-should-retry": "false"},
        )
    return FoundModel(row.name, base, row, project_id)


def not_found(office: Office, principal: Principal, name: str) -> ModelNotFound:
    """The 404 for a name, with the names of this project that resemble it."""
    known = [known.wire_name for known in office.catalog.names()] + models.names(
        office.db, principal.project_id
    )
    return unknown_model(name, known)


async def engine_for(office: Office, model: FoundModel) -> EngineClient:
    """The running engine of the model's base, with the adapter loaded. Raises EngineUnavailable."""
    row = model.adapter
    if row is None:
        return await office.fleet.client(model.base.id)
    try:
        return await office.fleet.client(
            model.base.id, adapter_id=row.id, adapter_folder=lambda: _adapter_folder(office, row)
        )
    except (ObjectMissing, ObjectCorrupt) as error:
        broken = EngineUnavailable(
            f"The weights of `{model.wire_name}` are damaged: {error}. Use another checkpoint of its "
            "job, or train again.",
            code="adapter_corrupt",
            headers={"x-should-retry": "false"},
        )
        broken.status = 500
        raise broken from error


def _adapter_folder(office: Office, row: ModelRow) -> Path:
    """The adapter as a whole local folder, fetched from the objects where it is not there yet."""
    folder = office.settings.adapters_folder / row.id
    office.blobs.fetch_folder(row.prefix, folder)
    return folder


async def find_async(office: Office, principal: Principal, name: str) -> FoundModel:
    """`find` for async routes; a base's name needs no thread."""
    if not name.startswith("ft:"):
        resolved = office.catalog.resolve(name)
        if resolved is not None:
            return FoundModel(resolved.wire_name, resolved.base, None, principal.project_id)
    return await run_in_threadpool(find, office, principal, name)
