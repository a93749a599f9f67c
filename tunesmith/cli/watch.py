"""Watching a job: its events in order as they come, and a live bar with loss, accuracy and time left.

It uses nothing but OpenAI's `retrieve` and `list_events`, so any compatible server can be watched.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn

from tunesmith.cli import output

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

#: What a job's end means for the shell.
EXIT_CODES = {"succeeded": 0, "failed": 1, "cancelled": 3}
#: Seconds that a server may be away (a restart) before watching gives up.
PATIENCE_S = 60.0

_STEP = re.compile(r"Step (\d+)/(\d+)(?:: training loss=([\d.]+))?")


def new_events(client: OpenAI, job_id: str, last_seen: str | None) -> list[FineTuningJobEvent]:
    """The events after `last_seen` (all of them if it is None), oldest first."""
    events: list[FineTuningJobEvent] = []
    for event in client.fine_tuning.jobs.list_events(job_id, limit=100):  # newest first; pages by cursor
        if event.id == last_seen:
            break
        events.append(event)
    return events[::-1]


def follow(
    client: OpenAI, job_id: str, interval_s: float = 1.0, sleep: Callable[[float], None] = time.sleep
) -> Iterator[tuple[FineTuningJob, list[FineTuningJobEvent]]]:
    """The job and its new events, again and again until it has ended; every event exactly once.

    A server that is away for less than `PATIENCE_S` is waited for; after that its error is raised.
    """
    import openai

    last_seen: str | None = None
    away_since: float | None = None
    while True:
        try:
            # The job first: when it has ended, the events read afterwards are complete.
            job = client.fine_tuning.jobs.retrieve(job_id)
            events = new_events(client, job_id, last_seen)
        except (openai.APIConnectionError, openai.InternalServerError):
            away_since = away_since if away_since is not None else time.monotonic()
            if time.monotonic() - away_since > PATIENCE_S:
                raise
            sleep(interval_s)
            continue
        away_since = None
        if events:
            last_seen = events[-1].id
        yield job, events
        if job.status in EXIT_CODES:
            return
        sleep(interval_s)


@dataclass
class Curve:
    """What the metrics events have said so far."""

    step: int = 0
    total_steps: int | None = None
    losses: list[float] = field(default_factory=list)
    accuracy: float | None = None
    valid_loss: float | None = None
    started_s: float | None = None
    first_step: int = 0

    def add(self, event: FineTuningJobEvent) -> bool:
        """Takes in an event; whether it was one of metrics."""
        data = event.data if isinstance(event.data, dict) else {}
        if event.type != "metrics" and "train_loss" not in data:
            return False
        said = _STEP.search(event.message)
        step = data.get("step") or (int(said[1]) if said else self.step)
        total = data.get("total_steps") or (int(said[2]) if said else None)
        if self.started_s is None:
            self.started_s, self.first_step = time.monotonic(), int(step)
        self.step, self.total_steps = int(step), int(total) if total else self.total_steps
        loss = data.get("train_loss") or (said[3] if said else None)
        if loss is not None:
            self.losses.append(float(loss))
        for name, key in (
            ("accuracy", "train_mean_token_accuracy"),
            ("valid_loss", "valid_loss"),
            ("valid_loss", "full_valid_loss"),
        ):
            if isinstance(data.get(key), int | float):
                setattr(self, name, float(data[key]))
        return True

    def seconds_left(self, job: FineTuningJob) -> float | None:
        """The server's own forecast, or else by the steps per second seen here."""
        if job.estimated_finish:
            return max(0.0, job.estimated_finish - time.time())
        done = self.step - self.first_step
        if self.started_s is None or self.total_steps is None or done < 3:
            return None
        return (time.monotonic() - self.started_s) / done * (self.total_steps - self.step)

    def summary(self) -> str:
        """`loss 0.412 ▇▅▃▁  accuracy 87 %  validation loss 0.511`."""
        parts = []
        if self.losses:
            parts.append(f"loss {self.losses[-1]:.3f} {output.sparkline(self.losses)}")
        if self.accuracy is not None:
            parts.append(f"accuracy {self.accuracy:.0%}".replace("%", " %"))
        if self.valid_loss is not None:
            parts.append(f"validation loss {self.valid_loss:.3f}")
        return "  ".join(parts)


def watch(
    client: OpenAI,
    job_id: str,
    interval_s: float = 1.0,
    show: Callable[[FineTuningJobEvent], bool] = lambda event: True,
) -> tuple[FineTuningJob, Curve]:
    """Shows a job until it has ended, and gives it back with its curve.

    For a person a live bar with the metrics, and a line for each other event; for a pipe a line for each.
    `show` decides which events get one.
    """
    curve = Curve()
    console = output.side_console()
    live = console.is_terminal
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[steps]}"),
        TextColumn("{task.fields[curve]}"),
        TextColumn("{task.fields[left]}"),
        console=console,
        disable=not live,
    )
    task = bar.add_task("waiting", total=None, steps="", curve="", left="")
    with bar:
        for job, events in follow(client, job_id, interval_s):  # noqa: B007  # the last job is the result
            for event in events:
                is_metrics = curve.add(event)
                if not live and show(event):
                    print(describe(event), flush=True)
                elif live and not is_metrics and show(event):
                    bar.print(describe(event), soft_wrap=True)
            left = curve.seconds_left(job) if job.status == "running" else None
            bar.update(
                task,
                description=job.status.replace("_", " "),
                total=curve.total_steps,
                completed=curve.step,
                steps=f"{curve.step}/{curve.total_steps}" if curve.total_steps else "",
                curve=curve.summary(),
                left=f"{output.duration(left)} left" if left is not None else "",
            )
    return job, curve


def describe(event: FineTuningJobEvent) -> str:
    """An event in one line: time, level when it is not info, message."""
    level = "" if event.level == "info" else f"{event.level}: "
    return f"{time.strftime('%H:%M:%S', time.localtime(event.created_at))}  {level}{event.message}"


def outcome(job: FineTuningJob) -> str:
    """How a job ended, with what one needs next, in one sentence."""
    if job.status == "succeeded":
        return f"Job {job.id} succeeded; the tuned model is {job.fine_tuned_model}."
    if job.status == "failed":
        error = job.error
        where = f" ({error.param})" if error and error.param else ""
        reason = error.message if error and error.message else "the server gives no reason"
        return f"Job {job.id} failed{where}: {reason}"
    return f"Job {job.id} is {job.status.replace('_', ' ')}."
