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


def main() -> int:
    """Does the task."""
    os.nice(NICENESS)
    objects_url, task = sys.argv[1:]

    def tell(progress: Progress) -> None:
        print(json.dumps(asdict(progress)), flush=True)

    try:
        from_json(task).run(Blobs(objects_url), tell)
    except (ObjectMissing, BrokenPipeError):  # the file was deleted, or the server has ended
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
