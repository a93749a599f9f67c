"""Takes away what nobody needs any more: bytes of deleted and expired files, of deleted models and of ended
uploads, snapshots and logs of ended jobs, stray folders; and ends jobs that an archived project has left.

Each step can be cut anywhere and done again: bytes go before the row that names them.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from tunesmith.jobs import control
from tunesmith.jobs.states import LIVE, RUNNING, TERMINAL
from tunesmith.store import batches, files, jobs, models, responses, stored_completions, uploads
from tunesmith.store.blobs import Blobs, ObjectMissing
from tunesmith.store.database import Database

#: Objects without a row may belong to somebody who is about to write it.
ORPHAN_AGE_S = 3600.0
#: Seconds after a job's end for which its workers' logs are kept.
LOGS_KEPT_S = 30 * 24 * 3600.0


def sweep(db: Database, blobs: Blobs, *, adapters: Path, work: Path) -> None:
    """One round over files, models, uploads, snapshots and working folders; the logs lie beside `work`."""
    control.cancel_archived(db)
    stored = {name for kind in ("files", "reports") for name, _ in blobs.folders(kind)}
    over, hidden_files, hidden_models = files.over(db), files.hidden(db), models.hidden(db)
    # after the above: what is hidden is taken by nobody any more, so all that need it are known by now
    pinned = jobs.pinned(db, LIVE) | batches.pinned(db)
    for file in hidden_files:
        if file.id in pinned:
            continue
        if file.id in stored:
            blobs.delete_prefix(f"reports/{file.id}")
            blobs.delete(file.object_key)
        if file.id in over:
            files.forget(db, file.id)
    for model in hidden_models:
        if model.id not in pinned:
            blobs.delete_prefix(model.prefix)
            shutil.rmtree(adapters / model.id, ignore_errors=True)
            models.forget(db, model.id)
    _uploads(db, blobs)
    responses.sweep(db)
    stored_completions.sweep(db)
    _orphans(db, blobs)
    blobs.sweep()
    _adapters(db, adapters)
    _snapshots(db, blobs)
    _work_folders(db, work)
    _logs(db, work.with_name("logs"))


def _uploads(db: Database, blobs: Blobs) -> None:
    """Parts whose upload takes no more of them."""
    uploads.expire(db)
    stored = blobs.folders("uploads")
    pending = uploads.pending_ids(db)
    for name, _ in stored:
        if name not in pending:
            blobs.delete_prefix(f"uploads/{name}")
    uploads.forget(db)


def _orphans(db: Database, blobs: Blobs) -> None:
    """Objects whose writer was lost between the objects and the row."""
    stored = blobs.folders("models")
    known = models.known_ids(db)
    for name, youngest in stored:
        if name not in known and time.time() - youngest > ORPHAN_AGE_S:
            blobs.delete_prefix(f"models/{name}")
    stored = blobs.folders("files")
    known = files.known_ids(db)
    for name, youngest in stored:
        if name not in known and time.time() - youngest > ORPHAN_AGE_S:
            _orphaned_file(db, blobs, name)
    for name, youngest in blobs.folders("reports"):
        if name not in known and time.time() - youngest > ORPHAN_AGE_S:
            blobs.delete_prefix(f"reports/{name}")


def _orphaned_file(db: Database, blobs: Blobs, file_id: str) -> None:
    """A batch makes its files again under the same ids: one that has just come is no orphan, nor was it."""
    with suppress(ObjectMissing):
        written_at = blobs.written_at(f"files/{file_id}")
        if time.time() - written_at > ORPHAN_AGE_S and files.find(db, file_id) is None:
            blobs.delete(f"files/{file_id}")


def _adapters(db: Database, adapters: Path) -> None:
    """Adapter folders whose copying was cut, which have not got their names; and those that were copied while
    their model was swept."""
    for folder in adapters.glob(".*"):
        if time.time() - folder.stat().st_mtime > ORPHAN_AGE_S:
            shutil.rmtree(folder, ignore_errors=True)
    copied = list(adapters.glob("model-*"))
    known = models.known_ids(db)
    for folder in copied:
        if folder.name not in known:
            shutil.rmtree(folder, ignore_errors=True)


def _snapshots(db: Database, blobs: Blobs) -> None:
    for job_id, _ in blobs.folders("jobs"):
        job = jobs.find(db, job_id)
        if job is None or job.status in TERMINAL:
            blobs.delete_prefix(f"jobs/{job_id}")


def _work_folders(db: Database, work: Path) -> None:
    if not work.is_dir():
        return
    present = list(work.iterdir())
    busy = {f"{job.id}-{job.attempt}" for job in jobs.held(db, RUNNING)}
    for folder in present:
        # a claim and its folder are moments apart; a minute is far beyond that
        if folder.name not in busy and time.time() - folder.stat().st_mtime > 60:
            shutil.rmtree(folder, ignore_errors=True)


def _logs(db: Database, logs: Path) -> None:
    """Logs `<job id>-<attempt>.log` of jobs that ended long ago."""
    until = time.time() - LOGS_KEPT_S
    for path in logs.glob("*-*.log"):
        if path.stat().st_mtime < until:
            job = jobs.find(db, path.stem.rpartition("-")[0])
            if job is not None and job.finished_at is not None and job.finished_at < until:
                path.unlink()
