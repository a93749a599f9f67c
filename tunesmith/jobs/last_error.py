"""What a job is told whose worker was lost for the last time."""

from __future__ import annotations

from tunesmith.errors import JobFailed, OutOfMemory
from tunesmith.jobs.supervisor import Worker
from tunesmith.store.rows import JobRow


class WorkerCrashed(JobFailed):
    """The training process ended again and again."""

    code = "worker_crashed"


def last_error(job: JobRow, why: str, worker: Worker | None, crashes: int, out_of_memory: bool) -> JobFailed:
    """The error of a job whose `crashes` workers in a row were lost, this one because of `why`."""
    if out_of_memory:
        batch = job.method[job.method["type"]]["hyperparameters"].get("batch_size")
        return OutOfMemory(
            f"The machine ran out of memory while training {job.base_id} with batch_size {batch}, and "
            "the kernel "
            "ended the process. Use a smaller batch_size, shorter examples or a smaller base model.",
            param="batch_size",
        )
    tail = worker.last_lines() if worker is not None else ""
    return WorkerCrashed(
        f"Training ended unexpectedly {crashes} times in a row without progress; the last time {why}."
        + (f" Its last words:\n{tail}" if tail else "")
    )
