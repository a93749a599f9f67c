"""The ASGI application: all routes of `/v1`, inside the envelope, with one error shape and one OpenAPI
document."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from tunesmith import __version__
from tunesmith.api import (
    batches,
    chat,
    completions,
    console,
    conversations,
    embeddings,
    errors,
    file_report,
    file_rows,
    files,
    fine_tuning,
    health,
    job_estimate,
    job_forecast,
    job_metrics,
    login_codes,
    models,
    moderations,
    not_served,
    organization_admin_keys,
    organization_costs,
    organization_keys,
    organization_projects,
    organization_rate_limits,
    organization_service_accounts,
    organization_usage,
    permissions,
    responses,
    server_info,
    stored_completions,
    uploads,
    webhook_endpoints,
)
from tunesmith.api.auth import Doorkeeper
from tunesmith.api.batch_runner import BatchRunner
from tunesmith.api.envelope import Envelope
from tunesmith.api.metering import Meter
from tunesmith.api.office import Office
from tunesmith.api.openapi_document import describe
from tunesmith.api.rate_limits import Limiter
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
