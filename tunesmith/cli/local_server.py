"""A server of one's own for as long as a `with` block lasts: a process on a free loopback port."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from urllib.error import URLError
from urllib.request import urlopen

from tunesmith.errors import EngineUnavailable
from tunesmith.ids import new_api_key

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0  # more than the server gives the answers under way
_LISTENS = re.compile(r"listens on (http://\S+)")


class LocalServer:
    """`with LocalServer(data) as server:` serves `data` at `server.base_url` with `server.api_key`.

    The process is stopped by its pid at the end, however the block ends. Raises `EngineUnavailable`
    with the end of the server's log when it does not come up within `START_TIMEOUT_S`.
    """

    def __init__(self, data: Path, base_models: list[str] | None = None) -> None:
        self.data = data
        self.api_key = os.environ.get("TUNESMITH_API_KEY") or new_api_key()
        self._base_models = base_models or []
        self.process: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._printed_before = 0

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return f"{self._url}/v1"

    @property
    def log(self) -> Path:
        """What the server has printed."""
        return self.data / "server.log"

    def __enter__(self) -> LocalServer:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)  # it will hold models
        command = [sys.executable, "-m", "tunesmith.cli", "serve", "--host", "127.0.0.1"]
        command += ["--port", "0", "--data", str(self.data)]
        for base in self._base_models:
            command += ["--base-model", base]
        with self.log.open("ab") as log:
            self._printed_before = log.tell()
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TUNESMITH_API_KEY": self.api_key},
                # Ctrl-C is for us: we end the server in order, instead of both ending at once.
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server: politely, and after `STOP_TIMEOUT_S` by force."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise EngineUnavailable(f"The server ended at once; its log says:\n{self._end_of_log()}")
            if listens := _LISTENS.search(self._printed()):
                self._url = listens[1]
                with contextlib.suppress(URLError, OSError), urlopen(f"{self._url}/health", timeout=2):
                    return
            time.sleep(0.05)
        raise EngineUnavailable(
            f"The server did not come up in {START_TIMEOUT_S:.0f} s; its log says:\n{self._end_of_log()}"
        )

    def _printed(self) -> str:
        """What this server has printed; the log may begin with another's."""
        with self.log.open("rb") as log:
            log.seek(self._printed_before)
            return log.read().decode(errors="replace")

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
