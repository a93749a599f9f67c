"""What there is to know of a model beyond OpenAI's object: where it comes from, what it takes, whether it is
loaded, and when it was last asked. `GET /v1/models/{model}?include=details`, our own.
"""

from __future__ import annotations

from tunesmith.api.office import Office
from tunesmith.data.base import Base
from tunesmith.store import jobs, models, usage
from tunesmith.store.blobs import ObjectMissing
from tunesmith.store.rows import ModelRow, Principal
from tunesmith.wire.models import ModelDetails


def of_base(office: Office, principal: Principal, base: Base, name: str) -> ModelDetails:
    """A base under one of its names."""
    state = office.fleet.state(base.id)
    return ModelDetails(
        kind="base" if name == base.id else "alias",
        context_length=base.context_length,
        n_parameters=base.n_parameters,
        is_chat=base.is_chat,
        size_bytes=sum(file.stat().st_size for file in base.path.iterdir() if file.is_file()),
        engine=state,
        loaded=state == "ready",
        last_used_at=usage.last_used(office.db, principal.project_id, {name, *_names_of(office, base)}),
        built_on_it=jobs.models_made_from(office.db, principal.project_id, {name, *_names_of(office, base)}),
    )


def of_tuned(office: Office, principal: Principal, row: ModelRow) -> ModelDetails:
    """A tuned model or a checkpoint."""
    base = office.catalog.by_id(row.base_id)
    if base is not None and base.digest != row.base_digest:
        base = None  # other weights under the same name: this adapter is not served on them
    job = jobs.find(office.db, row.job_id)
    own = row.project_id == principal.project_id
    tuned = job.fine_tuned_model if job is not None else None
    return ModelDetails(
        kind="checkpoint" if row.kind == "checkpoint" else "tuned",
        context_length=base.context_length if base else None,
        n_parameters=base.n_parameters if base else None,
        is_chat=base.is_chat if base else None,
        size_bytes=_adapter_bytes(office, row),
        engine="down" if base is None else office.fleet.state(base.id),
        loaded=base is not None and office.fleet.has_adapter(base.id, row.id),
        last_used_at=usage.last_used(office.db, principal.project_id, {row.name}),
        built_on_it=jobs.models_made_from(office.db, principal.project_id, {row.name}),
        trained_from=job.model if job is not None and own else row.base_name,
        fine_tuning_job_id=row.job_id if own else None,
        step=row.step,
        final_model=tuned
        if row.kind == "checkpoint" and tuned and _is_there(office, principal, tuned)
        else None,
        deletable=own,
    )


def _names_of(office: Office, base: Base) -> set[str]:
    return {known.wire_name for known in office.catalog.names() if known.base.id == base.id}


def _adapter_bytes(office: Office, row: ModelRow) -> int | None:
    try:
        return sum(int(entry["size_bytes"]) for entry in office.blobs.manifest(row.prefix).values())
    except ObjectMissing:  # deleted meanwhile, or damaged: asking it will say so
        return None


def _is_there(office: Office, principal: Principal, name: str) -> bool:
    return models.get_by_name(office.db, principal.project_id, name) is not None
