"""`python -m tunesmith.train` that gets a SIGTERM while it tells of a given step; for `test_stop_points.py`.

    python stopped_run.py STEP arguments of the command ...

STEP 0 lets it run. However small the base is, it computes with as many threads as `--threads` says.
"""

from __future__ import annotations

import os
import re
import signal
import sys

from tunesmith.cli.standalone import main
from tunesmith.model import base


class StopAtStep:
    """A standard output that sends this process a SIGTERM with the line of a step."""

    def __init__(self, step: int) -> None:
        self._line = re.compile(rf'"event": "StepMetrics", "step": {step}\b')

    def write(self, text: str) -> int:
        if self._line.search(text):
            os.kill(os.getpid(), signal.SIGTERM)
        return sys.__stdout__.write(text)  # type: ignore[union-attr]

    def flush(self) -> None:
        sys.__stdout__.flush()  # type: ignore[union-attr]


if __name__ == "__main__":
    base.ONE_THREAD_BELOW = 0
    sys.stdout = StopAtStep(int(sys.argv[1]))  # type: ignore[assignment]
    sys.exit(main(sys.argv[2:]))
