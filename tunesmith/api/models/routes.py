"""`/v1/models`: every name that can be asked, and which weights answer."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Caller
from tunesmith.api.models import details as model_details
from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.moderations import model as moderation_model
from tunesmith.api.office import Office, OfficeDep
from tunesmith.data.base import Base
from tunesmith.errors import PermissionDenied
from tunesmith.store import models
from tunesmith.store.rows import ModelRow, Principal
from tunesmith.wire.models import DeletedModel, DetailedModel, ModelList, ModelObject

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", response_model=ModelList)
def list_models(principal: Caller, office: OfficeDep) -> Response:
    """The project's tuned models and those shared with it, newest first, then bases and their aliases."""
    data = [_tuned(principal, row) for row in models.list_all(office.db, principal.project_id)]
    data += [_base(known.wire_name, known.base) for known in office.catalog.names()]
    return _json(ModelList(data=data))


@router.get("/{model:path}", response_model=DetailedModel)
def retrieve_model(
    principal: Caller,
    office: OfficeDep,
    model: str,
    include: Annotated[
        Literal["details"] | None,
        Query(
            description="Our own: `details` adds where it comes from, what it takes and whether it is loaded."
        ),
    ] = None,
) -> Response:
    """One model, by any name that a request may use; a checkpoint's too.

    `include` is our own; without it the answer is OpenAI's.
    """
    row = models_lookup.find_row(office, principal, model)
    if row is not None:
        found = _tuned(principal, row)
        details = model_details.of_tuned(office, principal, row) if include else None
        return _json(DetailedModel(**found.model_dump(), details=details))
    resolved = office.catalog.resolve_embedding(model)
    base = resolved.base if resolved is not None else moderation_model.base_of(office, model)
    if base is None:
        raise models_lookup.not_found(office, principal, model)
    found = _base(model, base)
    details = model_details.of_base(office, principal, base, model) if include else None
    return _json(DetailedModel(**found.model_dump(), details=details))


@router.delete("/{model:path}", response_model=DeletedModel)
async def delete_model(principal: Caller, office: OfficeDep, model: str) -> Response:
    """Deletes a tuned model or checkpoint of the project; it stops answering at once."""
    row = await run_in_threadpool(_delete, office, principal, model)
    await office.fleet.forget(row.id)
    return _json(DeletedModel(id=row.name))


def _delete(office: Office, principal: Principal, name: str) -> ModelRow:
    row = models_lookup.find_row(office, principal, name)
    if row is None:
        if office.catalog.resolve(name) is None:
            raise models_lookup.not_found(office, principal, name)
        raise PermissionDenied(
            f"The model `{name}` belongs to the server and cannot be deleted; only fine-tuned models can.",
            param="model",
        )
    if row.project_id != principal.project_id:
        raise PermissionDenied(
            f"The model `{row.name}` belongs to another project, which shares it with yours; only that "
            "project can delete it.",
            param="model",
        )
    return models.delete(office.db, principal.project_id, row.name)


def _base(name: str, base: Base) -> ModelObject:
    created = int((base.path / "config.json").stat().st_mtime)
    return ModelObject(id=name, created=created, owned_by="system", served_by=base.id)


def _tuned(principal: Principal, row: ModelRow) -> ModelObject:
    return ModelObject(
        id=row.name, created=row.created_at, owned_by=principal.organization_id, served_by=row.base_id
    )


def _json(body: ModelObject | ModelList | DeletedModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
