"""Creating a job: everything that can be refused at once is refused here, the rest is the validation's."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tunesmith import ids
from tunesmith.data.base import Base, Catalog
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.jobs import messages
from tunesmith.jobs.integrations import what_wandb_misses
from tunesmith.jobs.states import VALIDATING
from tunesmith.jobs.unknown_model import unknown_model
from tunesmith.store import files, idempotency, jobs, models, projects
from tunesmith.store.database import Database, Where
from tunesmith.store.rows import EventRow, JobRow, ModelRow, Principal

#: Hyperparameters of each method; each is a number or "auto".
HYPERPARAMETERS: dict[str, tuple[str, ...]] = {
    "supervised": ("n_epochs", "batch_size", "learning_rate_multiplier"),
    "dpo": ("n_epochs", "batch_size", "learning_rate_multiplier", "beta"),
}
_SUFFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class CreateJob:
    """What a client asks for, in OpenAI's words."""

    model: str
    training_file: str
    validation_file: str | None = None
    suffix: str | None = None
    seed: int | None = None
    """From 0 to 2**31 - 1; drawn when absent."""
    method: dict[str, Any] = field(default_factory=lambda: {"type": "supervised"})
    """OpenAI's shape: `{"type": "supervised", "supervised": {"hyperparameters": {…}}}`."""
    metadata: dict[str, str] | None = None
    integrations: list[dict[str, Any]] | None = None
    idempotency_key: str | None = None
    """The client's own name for this request: sent again within a day, it gives the job that it made."""


Foretell = Callable[[JobRow], Iterable[EventRow]]


def create_job(
    db: Database,
    catalog: Catalog,
    principal: Principal,
    request: CreateJob,
    *,
    foretell: Foretell | None = None,
) -> JobRow:
    """Stores a job that begins with the validation of its files, with what `foretell` says of it.

    The model's name is resolved here, once: the job holds the base's id and digest from now on. Raises
    ModelNotFound, NotFound (a file), InvalidRequest, and AuthenticationError in an archived project.
    """
    earlier = _made_before(db, principal.project_id, request)
    if earlier is not None:
        return earlier
    row, events = draft_job(db, catalog, principal, request)
    if foretell is not None:
        events += foretell(row)
    with db.write() as connection:
        projects.require_active(connection, principal.project_id)  # it may have been archived since
        earlier = _made_before(connection, principal.project_id, request)  # by a request at the same time
        if earlier is not None:
            return earlier
        require_files(connection, principal.project_id, request)
        jobs.insert(connection, row, events)
        if request.idempotency_key is not None:
            idempotency.remember(
                connection, principal.project_id, request.idempotency_key, _fingerprint(request), row.id
            )
    return row


def draft_job(
    db: Database, catalog: Catalog, principal: Principal, request: CreateJob
) -> tuple[JobRow, list[EventRow]]:
    """The job that `create_job` would store, and its first events. Raises as that does, but for the files."""
    method = _method(request.method)
    if request.suffix is not None and not _SUFFIX.fullmatch(request.suffix):
        raise InvalidRequest(
            f"suffix is {request.suffix[:80]!r}; use 1 to 64 letters, digits, dots, dashes and underscores.",
            param="suffix",
        )
    model, base, parent = _resolve(db, catalog, principal.project_id, request.model)
    job_id = ids.new_id("job")
    row = JobRow(
        id=job_id,
        project_id=principal.project_id,
        organization_id=principal.organization_id,
        status=VALIDATING,
        model=model,
        base_id=base.id,
        base_path=str(base.path),
        base_digest=base.digest,
        parent_model_id=parent.id if parent else None,
        training_file=request.training_file,
        validation_file=request.validation_file,
        suffix=request.suffix,
        seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        requested=method,
        method=method,
        metadata=request.metadata,
        integrations=request.integrations,
        created_at=ids.now(),
    )
    events = [
        messages.created(job_id),
        messages.weights(
            job_id,
            asked=request.model,
            model=model,
            base_id=base.id,
            base_digest=base.digest,
            parent=parent.name if parent else None,
        ),
        messages.validating(job_id, request.training_file, request.validation_file),
    ]
    if request.integrations and (missing := what_wandb_misses(os.environ)):
        events.insert(2, messages.not_followed(job_id, missing))
    return row, events


def require_files(where: Where, project_id: str, request: CreateJob) -> None:
    """Both files must be there. Raises NotFound, and InvalidRequest for one of another purpose."""
    for param in ("training_file", "validation_file"):
        file_id = getattr(request, param)
        if file_id is not None:
            _require_file(where, project_id, file_id, param)


def _made_before(where: Where, project_id: str, request: CreateJob) -> JobRow | None:
    """The job that this idempotency key has made. Raises InvalidRequest when it stood for another request."""
    if request.idempotency_key is None:
        return None
    earlier = idempotency.find(where, project_id, request.idempotency_key)
    if earlier is None:
        return None
    if earlier.request_sha256 != _fingerprint(request):
        raise InvalidRequest(
            "This Idempotency-Key was sent before with another request, which made the job "
            f"{earlier.job_id}. Use a new key for a new request; the same key with the same body gives that "
            "job again.",
            param="Idempotency-Key",
            code="idempotency_key_reused",
        )
    return jobs.get(where, project_id, earlier.job_id)


def _fingerprint(request: CreateJob) -> str:
    """The same for two requests exactly when they ask for the same, however their JSON was written."""
    asked = {name: value for name, value in asdict(request).items() if name != "idempotency_key"}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _method(asked: dict[str, Any]) -> dict[str, Any]:
    """The method in its full shape, with `auto` where nothing was asked."""
    kind = asked.get("type", "supervised")
    if kind == "reinforcement":
        raise InvalidRequest(
            "method.type is 'reinforcement', which needs graders, and this server does not train with them. "
            "Use 'supervised' with the answers that a grader would reward, or 'dpo' with pairs of a better "
            "and a worse answer.",
            param="method.type",
            code="unsupported_method",
        )
    if kind not in HYPERPARAMETERS:
        known = " or ".join(f"'{name}'" for name in HYPERPARAMETERS)
        raise InvalidRequest(
            f"method.type is {kind!r}, which this server does not train; use {known}.",
            param="method.type",
            code="unsupported_method",
        )
    wanted = (asked.get(kind) or {}).get("hyperparameters") or {}
    values = {name: "auto" if wanted.get(name) is None else wanted[name] for name in HYPERPARAMETERS[kind]}
    return {"type": kind, kind: {"hyperparameters": values}}


def _resolve(db: Database, catalog: Catalog, project_id: str, name: str) -> tuple[str, Base, ModelRow | None]:
    """The wire name, the base, and the tuned model to go on from, if any."""
    parent = models.get_by_name(db, project_id, name)
    if parent is not None:
        base = catalog.by_id(parent.base_id)
        if base is None or base.digest != parent.base_digest:
            problem = "is not loaded here" if base is None else "has other weights here"
            raise InvalidRequest(
                f"{name} was tuned on the base model {parent.base_id}, which {problem}. Start the "
                "server with that base model (--base-model) to train it further.",
                param="model",
                code="model_not_available",
            )
        return parent.name, base, parent
    resolved = catalog.resolve(name)
    if resolved is None:
        raise unknown_model(name, [r.wire_name for r in catalog.names()] + models.names(db, project_id))
    return resolved.wire_name, resolved.base, None


def _require_file(where: Where, project_id: str, file_id: str, param: str) -> None:
    try:
        row = files.get(where, project_id, file_id)
    except NotFound as error:
        raise NotFound(
            f"{param} is {file_id!r}, and there is no such file in this project; upload it with purpose "
            "'fine-tune' and pass the id of the answer.",
            param=param,
        ) from error
    if row.purpose != "fine-tune":
        raise InvalidRequest(
            f"{param} {file_id} has the purpose {row.purpose!r}; upload it with purpose 'fine-tune'.",
            param=param,
            code="invalid_file_purpose",
        )
