"""Files as the routes ask for them: whose they are, for which base, and what is known of them by now."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.office import Office
from tunesmith.data.base import Base
from tunesmith.errors import InvalidRequest, StorageFull, StoreBusy
from tunesmith.jobs.inspecting import Inspect, Inspected, Progress, Task, inspected
from tunesmith.jobs.inspections import Inspections
from tunesmith.store import file_facts, files
from tunesmith.store.file_facts import FileFacts
from tunesmith.store.rows import FileRow, Principal
from tunesmith.wire.file_report import InspectionProgress

#: Seconds that a request waits for a task before it answers how far it is.
WAIT_S = 1.5
_LOOK_EVERY_S = 0.03


def base_of(office: Office, principal: Principal, model: str | None) -> Base:
    """The base that a model's name means, the default one without a name. Raises ModelNotFound."""
    return models_lookup.find(office, principal, model).base if model else office.catalog.default


def training_file(office: Office, principal: Principal, file_id: str, param: str | None = None) -> FileRow:
    """A file with rows to train on. Raises NotFound, and InvalidRequest for a file of another purpose."""
    row = files.get(office.db, principal.project_id, file_id)
    if row.purpose != "fine-tune":
        raise InvalidRequest(
            f"{file_id} has the purpose {row.purpose!r}; only files of the purpose 'fine-tune' have rows to "
            "train on.",
            param=param or "file_id",
            code="invalid_file_purpose",
        )
    return row


def task_for(
    office: Office, principal: Principal, file_id: str, base: Base, param: str | None = None
) -> Inspect:
    """What there is to find out about a file. Raises as `training_file` does."""
    return Inspect.of(training_file(office, principal, file_id, param), base)


async def waited_for(request: Request, *tasks: Task, wait_s: float = WAIT_S) -> Progress | None:
    """Starts the tasks, one behind the other, and waits a moment for them: how far the first is that has not
    ended, None when all have."""
    inspections: Inspections = request.app.state.inspections
    until_s = time.monotonic() + wait_s
    for task in tasks:
        while (progress := await run_in_threadpool(inspections.ask, task)) is not None:
            if time.monotonic() >= until_s:
                return progress
            await asyncio.sleep(_LOOK_EVERY_S)
    return None


def known(office: Office, task: Inspect) -> Inspected | None:
    """What is known of a file by now; once all is, a list of files can tell it too."""
    found = inspected(office.blobs, task)
    if found is None or found.repeats is None or found.summary.tokens is None:
        return found
    summary, tokens = found.summary, found.summary.tokens
    verdict = summary.report("training_file").code
    facts = FileFacts(
        file_id=task.file_id,
        look=task.look,
        row_format=summary.format,
        n_rows=summary.n_lines,
        n_problems=summary.n_faults + summary.n_refusals,
        n_warnings=summary.n_warnings,
        code=verdict or ("invalid_file_format" if summary.n_refusals else None),
        tokens=tokens.total,
        trained_tokens=tokens.trained,
        n_cut=tokens.n_cut,
    )
    with suppress(StorageFull, StoreBusy):  # who asks next notes it
        file_facts.remember(office.db, facts)
    return found


def report_progress(progress: Progress | None) -> InspectionProgress | None:
    """The progress as the wire has it."""
    if progress is None:
        return None
    return InspectionProgress(
        phase=progress.phase,  # type: ignore[arg-type]
        lines_done=progress.lines_done,
        lines_total=progress.lines_total,
    )
