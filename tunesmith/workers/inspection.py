"""`python -m tunesmith.workers.inspection URL TASK`: one look at a large training file, in its own process.

It tells its progress on standard output, a JSON object a line, and leaves when nobody reads that any more.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from tunesmith.jobs.inspecting import Progress, from_json
from tunesmith.store.blobs import Blobs, ObjectMissing

#: Chats and trainings go first.
NICENESS = 10
#: Larger files are counted in several processes: on half of the processor's threads.
WORTH_PROCESSES_BYTES = 4 * 1024 * 1024


def main() -> int:
    """Does the task."""
    os.nice(NICENESS)
    objects_url, task = sys.argv[1:]

    def tell(progress: Progress) -> None:
        print(json.dumps(asdict(progress)), flush=True)

    try:
        asked = from_json(task)
        n_processes = (os.cpu_count() or 1) // 2 if asked.size_bytes > WORTH_PROCESSES_BYTES else 1
        asked.run(Blobs(objects_url), tell, max(1, n_processes))
    except (ObjectMissing, BrokenPipeError):  # the file was deleted, or the server has ended
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
