"""What the routes stand on: the open store, the bases, the scheduler and the engines of one server.

`server.py` fills it; routes get it by `OfficeDep`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from tunesmith.errors import NotAdmitting
from tunesmith.jobs.webhooks import Deliverer
from tunesmith.settings import Settings
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database

if TYPE_CHECKING:
    from tunesmith.data.base import Catalog
    from tunesmith.jobs.engines import EngineFleet
    from tunesmith.jobs.scheduler import Scheduler


@dataclass
class Assembly:
    """What stands once the base models have been read."""

    catalog: Catalog
    fleet: EngineFleet
    scheduler: Scheduler


@dataclass
class Office:
    """One server's parts. `assembly` is None while the base models are still being read."""

    settings: Settings
    db: Database
    blobs: Blobs
    assembly: Assembly | None = None
    draining: bool = False
    """The server is stopping: what is in flight goes on, nothing new is admitted."""
    in_flight: int = field(default=0)
    """Requests being answered now."""
    webhooks: Deliverer = field(init=False)
    """Takes events to the projects' receivers, from the server's start on."""

    def __post_init__(self) -> None:
        self.webhooks = Deliverer(self.db, allow_private=self.settings.webhook_allow_private)

    @property
    def catalog(self) -> Catalog:
        """The bases and their names. Raises NotAdmitting while they are being read."""
        return self._assembled().catalog

    @property
    def fleet(self) -> EngineFleet:
        """The inference engines. Raises NotAdmitting while the bases are being read."""
        return self._assembled().fleet

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler. Raises NotAdmitting while the bases are being read."""
        return self._assembled().scheduler

    def engine_state(self) -> str:
        """`starting`, `ready` or `down`: the default base's engine."""
        return "starting" if self.assembly is None else self.assembly.fleet.state()

    def _assembled(self) -> Assembly:
        if self.assembly is None:
            raise NotAdmitting(
                "The server is still reading its base models. Try again in a few seconds.",
                headers={"retry-after": "5"},
            )
        return self.assembly


async def _office(request: Request) -> Office:  # async: a plain one would cost a thread per request
    office: Office = request.app.state.office
    return office


OfficeDep = Annotated[Office, Depends(_office)]
