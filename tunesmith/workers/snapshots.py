"""Resume state of a job as objects: `jobs/<job id>/snapshots/<attempt>-<step>`, the newest two kept.

The attempt in the name keeps a worker that has lost its job from touching what its successor reads.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.store.blobs import Blobs, ObjectCorrupt, ObjectMissing
from tunesmith.store.rows import JobRow

KEEP = 2


class Snapshots:
    """The snapshots of one job."""

    def __init__(self, blobs: Blobs, job: JobRow) -> None:
        self._blobs = blobs
        self._job = job
        self._root = f"jobs/{job.id}/snapshots"

    def save(self, step: int, folder: Path) -> str:
        """Stores a snapshot folder; returns its prefix, which the job's row should point to next."""
        prefix = f"{self._root}/{self._job.attempt}-{step}"
        self._blobs.delete_prefix(prefix)
        self._blobs.put_folder(prefix, folder)
        return prefix

    def prune(self, recorded: int) -> None:
        """Removes all but the newest two that are whole, of those up to `recorded`, the step that the row
        points to.

        A later step is of an earlier attempt that was lost before its row said so: it would never be read,
        and would be in the way of those that are. What a later attempt has stored is not ours to judge.
        """
        kept = 0
        for prefix, attempt, step in self._known():
            if attempt > self._job.attempt:
                continue
            if kept < KEEP and step <= recorded and self._is_whole(prefix):
                kept += 1
            else:
                self._blobs.delete_prefix(prefix)

    def fetch(self, folder: Path) -> tuple[int, list[str]]:
        """Copies the newest snapshot that is whole, up to the row's, to `folder`.

        Returns its step, 0 when there is none and training begins anew, and a sentence per unusable one.
        """
        if self._job.snapshot is None:
            return 0, []
        problems: list[str] = []
        newest = int(self._job.snapshot["step"])
        for prefix, _, step in self._known():
            if step > newest:
                continue
            try:
                self._blobs.fetch_folder(prefix, folder)
                return step, problems
            except (ObjectMissing, ObjectCorrupt) as error:
                problems.append(f"The snapshot of step {step} cannot be used: {error}")
        return 0, problems

    def _is_whole(self, prefix: str) -> bool:
        try:
            self._blobs.manifest(prefix)
        except ObjectMissing:
            return False
        return True

    def _known(self) -> list[tuple[str, int, int]]:
        """(prefix, attempt, step) of all stored snapshots, the latest step of the latest attempt first."""
        keys = [tuple(map(int, name.split("-"))) for name, _ in self._blobs.folders(self._root)]
        return [(f"{self._root}/{a}-{s}", a, s) for s, a in sorted(((s, a) for a, s in keys), reverse=True)]
