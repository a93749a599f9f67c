"""The office's inference engines: one process per base, started, watched, restarted, and told which adapters
to serve.

An engine is `python -m tunesmith.infer` on a Unix socket in a private folder. It holds one end of a pipe
whose other end is ours: when the office is gone, killed even, the engine sees the end of the pipe and leaves
too. An engine that lives and does not answer, or whose loop stands still, is killed and started again. What
an engine knows dies with it, so each *incarnation* (one start of the process) keeps its own list of loaded
adapters.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

from tunesmith.data.base import Base, Catalog
from tunesmith.engine_client import ConnectionPool, EngineClient
from tunesmith.errors import EngineUnavailable
from tunesmith.settings import Settings

log = logging.getLogger(__name__)

EngineState = Literal["starting", "ready", "down"]

POLL_S = 0.05
"""Seconds between two looks at a starting engine."""
FIRST_BACKOFF_S = 0.5
"""Seconds before the first restart of an engine that died; doubled at each death that follows."""
LONGEST_BACKOFF_S = 30.0
STABLE_S = 60.0
"""Seconds after which a running engine counts as healthy, so that its next death starts a new series."""
HOPELESS_STARTS = 3
"""Failed starts in a row after which chats are refused at once instead of waiting."""
STEP_TIMEOUTS = 10
"""A step of a large base on a slow machine takes long; this many hang timeouts are no step any more."""
STOP_TIMEOUT_S = 5.0
"""Seconds that an engine gets to end after SIGTERM."""
_PREFIX = "tunesmith-"


class EngineFleet:
    """All engines of one server. Everything here runs in the event loop that called `start`."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._folder: Path | None = None
        self._engines: dict[str, _Engine] = {}

    def start(self) -> None:
        """Start an engine for each base of the catalog; returns at once."""
        assert not self._engines, "the fleet is already started"
        self._folder = _private_folder(self._note_of_folder)
        for number, base in enumerate(self._catalog.bases):
            engine = _Engine(base, self._settings, number, self._folder / f"{number}.sock")
            self._engines[base.id] = engine
            engine.task = asyncio.get_running_loop().create_task(engine.keep_alive(), name=f"engine-{number}")

    async def stop(self) -> None:
        """Stop all engines and wait for their end."""
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()))
        self._engines.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._note_of_folder.unlink(missing_ok=True)

    @property
    def _note_of_folder(self) -> Path:
        """Where the sockets are, for the next server of these data: a killed one cannot tidy up."""
        return self._settings.data / "sockets"

    def state(self, base_id: str | None = None) -> EngineState:
        """How the engine of a base is; without an id, the default base's."""
        engine = self._engines.get(self._catalog.bases[0].id if base_id is None else base_id)
        return engine.state if engine else "down"

    def has_adapter(self, base_id: str, adapter_id: str) -> bool:
        """Whether the base's engine has been given the adapter, so that its next answer waits for nothing."""
        engine = self._engines.get(base_id)
        task = engine.incarnation.adapters.get(adapter_id) if engine and engine.incarnation else None
        return task is not None and task.done() and not task.cancelled() and task.exception() is None

    async def client(
        self, base_id: str, *, adapter_id: str | None = None, adapter_folder: Callable[[], Path] | None = None
    ) -> EngineClient:
        """A client of the base's engine, which has the adapter loaded.

        Waits for an engine that is starting, `engine_start_timeout_s` at most. `adapter_folder` is called (in
        a thread) only when this incarnation of the engine does not have the adapter. Raises
        EngineUnavailable, and AdapterRefused for an adapter whose files are damaged.
        """
        engine = self._engines.get(base_id)
        if engine is None:
            raise EngineUnavailable(
                f"The base model {base_id} is not served here; start the server with --base-model for it",
                headers={"x-should-retry": "false"},
            )
        deadline = time.monotonic() + self._settings.engine_start_timeout_s
        incarnation = await engine.ready(deadline)
        if adapter_id is None:
            return incarnation.client
        assert adapter_folder is not None, "an adapter needs a folder to load it from"
        await incarnation.load(adapter_id, adapter_folder)

        async def reload(_: str) -> None:
            # the engine restarted, or forgot the adapter, between `client()` and the request
            again = await engine.ready(time.monotonic() + self._settings.engine_start_timeout_s)
            again.forget(adapter_id)
            await again.load(adapter_id, adapter_folder)

        return EngineClient(engine.socket, base_id, reload=reload, connections=incarnation.connections)

    async def forget(self, adapter_id: str) -> None:
        """Unload a deleted model's adapter wherever it is; answers under way end well."""
        for engine in self._engines.values():
            incarnation = engine.incarnation
            if incarnation and adapter_id in incarnation.adapters:
                incarnation.forget(adapter_id)
                with contextlib.suppress(EngineUnavailable):  # an engine that died has forgotten it anyway
                    await incarnation.client.unload_adapter(adapter_id)


class _Incarnation:
    """One start of an engine's process, and the adapters that it was told to load."""

    def __init__(self, socket: Path, base_id: str) -> None:
        self.connections = ConnectionPool(socket)
        self.client = EngineClient(socket, base_id, connections=self.connections)
        self.adapters: dict[str, asyncio.Task[None]] = {}

    async def load(self, adapter_id: str, folder: Callable[[], Path]) -> None:
        """Load an adapter once, however many ask for it at the same time."""
        task = self.adapters.get(adapter_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._load(adapter_id, folder))
            self.adapters[adapter_id] = task
            task.add_done_callback(functools.partial(self._loaded, adapter_id))
        await asyncio.shield(task)  # one caller's cancellation is not the others'

    def _loaded(self, adapter_id: str, task: asyncio.Task[None]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if failed and self.adapters.get(adapter_id) is task:
            del self.adapters[adapter_id]  # the next request tries again

    async def _load(self, adapter_id: str, folder: Callable[[], Path]) -> None:
        await self.client.load_adapter(adapter_id, await asyncio.to_thread(folder))

    def forget(self, adapter_id: str) -> None:
        task = self.adapters.get(adapter_id)
        if task and task.done():
            del self.adapters[adapter_id]


class _Engine:
    """One base's engine process through all its incarnations."""

    def __init__(self, base: Base, settings: Settings, number: int, socket: Path) -> None:
        self.base = base
        self.socket = socket
        self.incarnation: _Incarnation | None = None
        self.task: asyncio.Task[None] | None = None
        self._settings = settings
        self._log_path = settings.data / "logs" / f"engine-{number}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._failed_starts = 0
        self._changed = asyncio.Event()

    @property
    def state(self) -> EngineState:
        if self.incarnation:
            return "ready"
        return "down" if self._failed_starts or self.task is None or self.task.done() else "starting"

    async def ready(self, deadline: float) -> _Incarnation:
        """The incarnation that answers now; `deadline` is on the monotonic clock."""
        while self.incarnation is None:
            remaining = deadline - time.monotonic()
            hopeless = self._failed_starts >= HOPELESS_STARTS or self.task is None or self.task.done()
            if remaining <= 0 or hopeless:
                raise EngineUnavailable(
                    f"The inference engine of {self.base.id} is {self.state}; see "
                    f"logs/{self._log_path.name} in the data folder, or try again later",
                    headers={"Retry-After": "5"},
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), remaining)
        return self.incarnation

    async def keep_alive(self) -> None:
        """Start the process, wait for its end, start it again, until cancelled."""
        backoff_s = FIRST_BACKOFF_S
        while True:
            started = time.monotonic()
            try:
                self._process = self._spawn()
                await self._run(self._process)
            except OSError as error:
                log.error("engine of %s cannot start: %s", self.base.id, error)
            self._failed_starts += self.incarnation is None
            if self.incarnation:
                self.incarnation.connections.close()
                self.incarnation = None
            self._announce()
            if time.monotonic() - started > STABLE_S:
                backoff_s = FIRST_BACKOFF_S
            code = self._process.returncode if self._process else None
            _close(self._process.stdin if self._process else None)
            log.warning("engine of %s ended with %s; next start in %.1f s", self.base.id, code, backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    async def _run(self, process: subprocess.Popen[bytes]) -> None:
        """From the process's start to its end."""
        incarnation = _Incarnation(self.socket, self.base.id)
        while process.poll() is None:
            if self.incarnation is None and self.socket.exists() and await incarnation.client.health():
                self.incarnation, self._failed_starts = incarnation, 0
                self._announce()
            if self.incarnation is not None and process.poll() is None:
                await self._watch(process, incarnation)
            await asyncio.sleep(POLL_S)

    async def _watch(self, process: subprocess.Popen[bytes], incarnation: _Incarnation) -> None:
        """Until the process ends, by itself or because it hangs."""
        timeout_s = self._settings.engine_hang_timeout_s
        every_s = min(1.0, timeout_s / 4)
        next_look = time.monotonic() + every_s
        failing_since: float | None = None
        while process.poll() is None:
            await asyncio.sleep(4 * POLL_S)
            if time.monotonic() < next_look:
                continue
            busy_s = await incarnation.client.busy_s(timeout_s=max(every_s, timeout_s / 2))
            next_look = time.monotonic() + every_s
            if busy_s is not None:
                failing_since = None
            elif failing_since is None:
                failing_since = time.monotonic()  # one look may fail because this process was stopped
            hung = failing_since is not None and time.monotonic() - failing_since > timeout_s / 2
            if hung or (busy_s or 0.0) > STEP_TIMEOUTS * timeout_s:
                log.error("engine of %s hangs; it is killed", self.base.id)
                _kill(process)

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "tunesmith.infer",
            "--base",
            str(self.base.path),
            "--base-id",
            self.base.id,
        ]
        command += [
            "--socket",
            str(self.socket),
            "--threads",
            str(self._settings.engine_threads),
            "--until-stdin-ends",
        ]
        with self._log_path.open("ab") as log_file:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log_file,
                stderr=log_file,
                env=_environment(),
                start_new_session=True,
            )

    def _announce(self) -> None:
        """Wake all who wait in `ready`."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def stop(self) -> None:
        """End the process: SIGTERM, and SIGKILL to its whole session when it does not go."""
        if self.task:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
        self.incarnation = None
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while process.poll() is None and time.monotonic() < deadline:
                await asyncio.sleep(POLL_S)
        if process.poll() is None:
            _kill(process)
            process.wait()
        _close(process.stdin)


def _environment() -> dict[str, str]:
    """The engine's environment: ours, without secrets, with the threads' number left to `--threads`."""
    secret = ("TUNESMITH_API_KEY", "OPENAI_API_KEY", "TUNESMITH_DATABASE_URL", "OMP_NUM_THREADS")
    return {name: value for name, value in os.environ.items() if name not in secret}


def _private_folder(note: Path) -> Path:
    """A folder of mode 0700 for sockets, written down in `note`, whose last one is removed.

    Their paths end at 107 bytes, so a long TMPDIR is passed over.
    """
    with contextlib.suppress(OSError):
        left = Path(note.read_text(encoding="utf-8"))
        if left.name.startswith(_PREFIX) and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    if len(os.fsencode(folder)) > 90:
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp")
    with contextlib.suppress(OSError):  # on a full disk the next server finds less to tidy up
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(folder, encoding="utf-8")
    return Path(folder)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """At once, with the whole session of which it is the leader."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _close(pipe: IO[Any] | None) -> None:
    if pipe:
        with contextlib.suppress(OSError):
            pipe.close()
