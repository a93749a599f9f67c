"""The log: one JSON object a line, so that nothing a stranger sends can forge a line or move a terminal's
cursor.

Keys are blotted out wherever they turn up.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Any

_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{8,}")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and whatever `extra` held."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _KEY.sub("sk-…", json.dumps(line, default=str))


def configure() -> None:
    """Sends the whole process's log to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn.error", "alembic", "python_multipart", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
