"""The ASGI application: all routes of `/v1`, inside the envelope, with one error shape and one OpenAPI
document."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from tunesmith import __version__
from tunesmith.api import (
    completions,
    console,
    embeddings,
    health,
    login_codes,
    not_served,
    server_info,
    webhook_endpoints,
)
from tunesmith.api.auth import Doorkeeper
from tunesmith.api.batches import routes as batches
from tunesmith.api.batches.runner import BatchRunner
from tunesmith.api.chat import routes as chat
from tunesmith.api.chat import stored_completions
from tunesmith.api.files import report as file_report
from tunesmith.api.files import routes as files
from tunesmith.api.files import rows as file_rows
from tunesmith.api.files import uploads
from tunesmith.api.fine_tuning import estimate as job_estimate
from tunesmith.api.fine_tuning import forecast as job_forecast
from tunesmith.api.fine_tuning import metrics as job_metrics
from tunesmith.api.fine_tuning import permissions
from tunesmith.api.fine_tuning import routes as fine_tuning
from tunesmith.api.http import errors
from tunesmith.api.http.envelope import Envelope
from tunesmith.api.metering import Meter
from tunesmith.api.models import routes as models
from tunesmith.api.moderations import routes as moderations
from tunesmith.api.office import Office
from tunesmith.api.openapi_document import describe
from tunesmith.api.organization import admin_keys as organization_admin_keys
from tunesmith.api.organization import costs as organization_costs
from tunesmith.api.organization import keys as organization_keys
from tunesmith.api.organization import projects as organization_projects
from tunesmith.api.organization import rate_limits as organization_rate_limits
from tunesmith.api.organization import service_accounts as organization_service_accounts
from tunesmith.api.organization import usage as organization_usage
from tunesmith.api.rate_limits import Limiter
from tunesmith.api.responses import conversations
from tunesmith.api.responses import routes as responses
from tunesmith.jobs.inspections import Inspections

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

#: Smaller answers travel as they are. From here on Starlette compresses in a thread, so that no stream waits.
GZIP_LEAST_BYTES = 128 * 1024
#: 1: of a curve of a hundred thousand steps a higher level saves little and takes several times as long.
GZIP_LEVEL = 1
#: Only JSON is compressed: never events, nor the bytes of files, of which a client may want a range.
NOT_COMPRESSED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/octet-stream",
    "application/jsonl",
    "image/*",
    "text/*",
)


def create_app(office: Office, *, lifespan: Lifespan | None = None) -> FastAPI:
    """The application that answers for `office`."""
    app = FastAPI(
        title="Tunesmith",
        version=__version__,
        summary="Fine-tuning with OpenAI's wire format, on open weights.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.office = office
    app.state.doorkeeper = Doorkeeper(office.db)
    app.state.meter = Meter(office.db)
    app.state.limiter = Limiter(office.db, office.settings)
    app.state.batch_runner = BatchRunner(app, office)
    app.state.inspections = Inspections(office.blobs, office.settings.objects_url)
    app.state.login_codes = login_codes.LoginCodes()
    for resource in (
        health,
        files,
        file_report,
        file_rows,
        uploads,
        batches,
        moderations,
        fine_tuning,
        job_estimate,
        job_forecast,
        job_metrics,
        permissions,
        models,
        chat,
        completions,
        conversations,
        embeddings,
        responses,
        stored_completions,
        webhook_endpoints,
        organization_projects,
        organization_keys,
        organization_service_accounts,
        organization_rate_limits,
        organization_admin_keys,
        organization_usage,
        organization_costs,
        server_info,
        login_codes,
        console,
    ):
        app.include_router(resource.router)
    app.include_router(not_served.router)  # last: whatever is served comes first
    errors.install(app)
    app.add_middleware(
        GZipMiddleware,
        minimum_size=GZIP_LEAST_BYTES,
        compresslevel=GZIP_LEVEL,
        thread_minimum_size=GZIP_LEAST_BYTES,
        exclude_content_types=NOT_COMPRESSED,
    )
    app.add_middleware(
        Envelope,
        office=office,
        doorkeeper=app.state.doorkeeper,
        meter=app.state.meter,
        limiter=app.state.limiter,
    )
    describe(app)
    return app
