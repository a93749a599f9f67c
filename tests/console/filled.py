"""A store with much in it: ten thousand jobs, and one of a hundred thousand steps, straight in the tables.

Everything is a copy of a job that was really trained, so that no row differs from what the server writes.
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from tunesmith import ids
from tunesmith.store.database import Database
from tunesmith.store.tables import events, jobs

N_JOBS = 10_000
N_STEPS = 100_000
STEPS_PER_EPOCH = 20_000
SPIKE_STEP = 54_321
SPIKE_LOSS = 9.0
"""The one step of the long job whose training loss stands far above all others."""
ROWS_AT_ONCE = 5_000


def fill(data: Path, job_id: str) -> str:
    """Copies the job; returns the id of the long one. Nobody else may have the folder open."""
    db = Database.open(f"sqlite:///{next(data.glob('*.db'))}")
    try:
        with db.write() as connection:
            row = dict(connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one())
            del row["seq"]
            copies = [
                row | {"id": ids.new_id("job"), "suffix": f"run-{number}", "result_files": []}
                for number in range(N_JOBS)
            ]
            for start in range(0, N_JOBS, ROWS_AT_ONCE):
                connection.execute(insert(jobs), copies[start : start + ROWS_AT_ONCE])
            long = row | {"id": ids.new_id("job"), "suffix": "long", "result_files": [], "step": N_STEPS}
            connection.execute(insert(jobs), [long | {"total_steps": N_STEPS}])
            told = connection.execute(
                select(events).where(events.c.job_id == job_id, events.c.kind == "metrics")
            )
            event = dict(told.mappings().first() or {})
            del event["seq"]
            for start in range(1, N_STEPS + 1, ROWS_AT_ONCE):
                steps = range(start, start + ROWS_AT_ONCE)
                connection.execute(insert(events), [_told(event, str(long["id"]), step) for step in steps])
        return str(long["id"])
    finally:
        db.close()


def _told(event: dict[str, Any], job_id: str, step: int) -> dict[str, Any]:
    """A step's event: noise around a falling loss, and the whole validation file at the end of each epoch."""
    noise = random.Random(step)
    falling = 2.5 * math.exp(-step / 30_000) + 0.3
    data = event["data"] | {
        "step": step,
        "total_steps": N_STEPS,
        "train_loss": SPIKE_LOSS if step == SPIKE_STEP else falling + noise.gauss(0, 0.2),
        "train_mean_token_accuracy": min(1, max(0, 1 - falling / 4 + noise.gauss(0, 0.05))),
        "valid_loss": falling + 0.1 + noise.gauss(0, 0.25),
        "valid_mean_token_accuracy": min(1, max(0, 0.95 - falling / 4 + noise.gauss(0, 0.05))),
    }
    data = {name: value for name, value in data.items() if not name.startswith("full_")}
    if step % STEPS_PER_EPOCH == 0:
        data |= {"full_valid_loss": falling + 0.1, "full_valid_mean_token_accuracy": 0.95 - falling / 4}
    return event | {
        "id": ids.new_id("event"),
        "job_id": job_id,
        "step": step,
        "message": f"Step {step}/{N_STEPS}: training loss={data['train_loss']:.2f}",
        "data": data,
    }
