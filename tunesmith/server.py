"""Assembles one server from its settings and runs it: store, keys, bases, engines, scheduler, HTTP.

The store opens first, and `/health` answers from then on; base models are read behind it, since hashing or
downloading a large one takes its time. Nothing here loads torch: engines and trainers are processes of
their own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from threading import Thread
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from tunesmith.api.app import create_app
from tunesmith.api.http.log import configure as configure_log
from tunesmith.api.http.protocol import HttpProtocol
from tunesmith.api.moderations import model as moderation_model
from tunesmith.api.office import Assembly, Office
from tunesmith.data.base import Catalog
from tunesmith.data.chat_template import Renderer
from tunesmith.errors import CannotStart, TunesmithError
from tunesmith.jobs.engines import EngineFleet
from tunesmith.jobs.scheduler import Scheduler
from tunesmith.settings import NANO, Settings
from tunesmith.store import keys
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.datadir import DataDir

log = logging.getLogger("tunesmith.server")

T = TypeVar("T")

DRAIN_S = 25.0
"""Seconds that answers under way get to end after SIGTERM."""
ASSEMBLY_HEAD_START_S = 1.0
"""Seconds that the base models get before the port opens: small ones are there with the first request."""
BACKLOG = 2048


def build(settings: Settings) -> FastAPI:
    """The application on its data folder, which it locks and whose database it migrates.

    What needs an event loop (engines, scheduler) starts and stops with the application. Raises CannotStart.
    """
    data_dir = DataDir.open(settings.data)
    try:
        db = Database.open(settings.database_url)
        office = Office(settings=settings, db=db, blobs=Blobs(settings.objects_url))
        first_key = keys.ensure_first_key(db, settings.api_key)
    except BaseException:
        data_dir.close()
        raise
    if first_key is not None:
        print(f"API key (shown this once): {first_key}", flush=True)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        await asyncio.to_thread(office.webhooks.start)
        assembling = asyncio.create_task(_assemble(office), name="assembly")
        app.state.assembling = assembling
        await asyncio.wait({assembling}, timeout=ASSEMBLY_HEAD_START_S)
        app.state.batch_runner.start()
        try:
            yield
        finally:
            await app.state.batch_runner.stop()
            await _disassemble(office, assembling)
            await app.state.meter.close()
            db.close()
            data_dir.close()

    return create_app(office, lifespan=lifespan)


async def _assemble(office: Office) -> None:
    """Reads the bases, then starts what works on them."""
    settings = office.settings
    named = settings.base_model or [str(NANO)]
    catalog = await _left_at_the_end(
        lambda: Catalog.open(
            named,
            settings.alias,
            embedding=settings.embedding_model,
            cache=settings.data / "digests.json",
        )
    )
    fleet = EngineFleet(settings, catalog)
    fleet.start()
    scheduler = Scheduler(office.db, office.blobs, catalog, settings)
    scheduler.start()
    office.assembly = Assembly(catalog=catalog, fleet=fleet, scheduler=scheduler)
    await asyncio.to_thread(moderation_model.check, office)
    for base in catalog.bases:  # so that the first chat does not wait for it
        await asyncio.to_thread(Renderer.load, base.path)


async def _left_at_the_end(work: Callable[[], T]) -> T:
    """`work` in a thread that the process does not wait for when it ends: a download may take hours."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    Thread(target=run, name="tunesmith-bases", daemon=True).start()
    return await asyncio.wrap_future(done)


async def _disassemble(office: Office, assembling: asyncio.Task[None]) -> None:
    assembling.cancel()
    await asyncio.wait({assembling})
    await asyncio.to_thread(office.webhooks.stop)
    if office.assembly is not None:
        await asyncio.gather(asyncio.to_thread(office.assembly.scheduler.stop), office.assembly.fleet.stop())


class _Server(uvicorn.Server):
    """uvicorn, which on SIGTERM first lets answers end while it refuses new requests with 503."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, address: str) -> None:
        super().__init__(config)
        self._app = app
        self._office: Office = app.state.office
        self._address = address
        self._drain_until_s = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"Tunesmith listens on {self._address} (API at {self._address}/v1)", flush=True)
            code = self._app.state.login_codes.new()
            link = f"{_for_a_browser(self._address)}/console/login#code={code}"
            print(f"Console (this link works once, for ten minutes): {link}", flush=True)

    def handle_exit(self, sig: int, frame: object) -> None:
        if self._office.draining:  # asked twice: at once
            self.should_exit = self.force_exit = True
        self._drain_until_s = time.monotonic() + DRAIN_S
        self._office.draining = True

    async def on_tick(self, counter: int) -> bool:
        assembling: asyncio.Task[None] = self._app.state.assembling
        if assembling.done() and not assembling.cancelled() and assembling.exception() is not None:
            return True
        if self._office.draining and (not self._office.in_flight or time.monotonic() >= self._drain_until_s):
            return True
        return await super().on_tick(counter)


def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises CannotStart, or BaseUnavailable for a base that cannot be
    read."""
    configure_log()
    listener = _listener(settings.host, settings.port)
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if not _is_loopback(host):
        print(
            f"Warning: {settings.host} can be reached from other machines. Keys and data travel unencrypted; "
            "put a TLS proxy in front, or listen on 127.0.0.1.",
            file=sys.stderr,
            flush=True,
        )
    try:
        app = build(settings)
    except BaseException:
        listener.close()
        raise
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )
    server = _Server(config, app, address)
    server.run(sockets=[listener])
    assembling: asyncio.Task[None] | None = getattr(app.state, "assembling", None)
    if assembling is not None and assembling.done() and not assembling.cancelled():
        failure = assembling.exception()
        if failure is not None:
            raise failure


def _listener(host: str, port: int) -> socket.socket:
    """A listening socket that no child inherits. Raises CannotStart."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotStart(
            f"The server cannot listen on {host}:{port}: {reason}. Choose another port with --port (0 "
            "takes a free one)."
        ) from error


def _for_a_browser(address: str) -> str:
    """The address, where it means all interfaces, as this machine's own."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    try:
        run(Settings())
    except TunesmithError as problem:
        sys.exit(problem.message)
