"""`GET /v1/server`: what this server is, what it can do, on what, and for which price.

Our own call, for every key: it names no path, no project and no job.
"""

from __future__ import annotations

from fastapi import APIRouter, Response

from tunesmith import __version__
from tunesmith.api.auth import Caller
from tunesmith.api.office import OfficeDep
from tunesmith.data.base import Base
from tunesmith.data.report import MIN_EXAMPLES
from tunesmith.jobs.creation import HYPERPARAMETERS
from tunesmith.jobs.devices import Devices
from tunesmith.jobs.estimate import memory_of
from tunesmith.jobs.states import QUEUED, RUNNING
from tunesmith.store import queue
from tunesmith.wire import limits
from tunesmith.wire.server import (
    BaseInfo,
    Capabilities,
    DeviceInfo,
    Limits,
    MinimumRows,
    PriceInfo,
    Prices,
    ServerInfo,
    Training,
    TrainingMemory,
)

router = APIRouter(prefix="/v1/server", tags=["server"])

CALLS = [
    "report",
    "rows",
    "estimate",
    "forecast",
    "metrics",
    "lists",
    "details",
    "server",
    "login_codes",
    "transitions",
]
devices = Devices()
"""One for the process: what it remembers is the machine's."""


@router.get("", response_model=ServerInfo)
def server(principal: Caller, office: OfficeDep) -> Response:
    """Our own: version, capabilities, devices, base models, prices and bounds."""
    catalog, settings = office.catalog, office.settings
    n_running = queue.n_ahead(office.db, running=RUNNING, waiting=())
    answer = ServerInfo(
        version=__version__,
        engine=office.engine_state(),  # type: ignore[arg-type]
        capabilities=Capabilities(
            methods=list(HYPERPARAMETERS),
            actions=["cancel", "pause", "resume"],
            integrations=["wandb"],
            calls=CALLS,
        ),
        devices=[
            DeviceInfo(
                id=one.id,
                kind=one.kind,
                name=one.name,
                memory_bytes=one.memory_bytes,
                free_bytes=one.free_bytes,
            )
            for one in devices.all()
        ],
        training=Training(
            n_running=n_running,
            n_queued=queue.n_ahead(office.db, running=RUNNING, waiting=(QUEUED,)) - n_running,
        ),
        bases=[
            BaseInfo(
                id=base.id,
                context_length=base.context_length,
                n_parameters=base.n_parameters,
                is_chat=base.is_chat,
                is_default=base == catalog.default,
                engine=office.fleet.state(base.id),
                training=_training(base),
            )
            for base in catalog.bases
        ],
        prices=Prices(
            currency=settings.currency,
            models={name: PriceInfo(**price.model_dump()) for name, price in settings.prices.items()},
            device_hour=settings.device_hour_price,
        ),
        minimum_rows=MinimumRows(
            training_file=MIN_EXAMPLES["training_file"], validation_file=MIN_EXAMPLES["validation_file"]
        ),
        limits=Limits(
            max_file_bytes=limits.MAX_FILE_BYTES,
            max_upload_bytes=limits.MAX_UPLOAD_BYTES,
            max_part_bytes=limits.MAX_PART_BYTES,
            max_epochs=limits.MAX_EPOCHS,
            max_batch_size=limits.MAX_BATCH_SIZE,
            max_suffix_chars=limits.MAX_SUFFIX_CHARS,
        ),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _training(base: Base) -> TrainingMemory:
    memory = memory_of(base, devices.all()[0])
    return TrainingMemory(low_bytes=memory.low_bytes, high_bytes=memory.high_bytes, fits=memory.fits)
