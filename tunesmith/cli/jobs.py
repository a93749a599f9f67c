"""`tunesmith jobs`: create, watch, list, show, cancel, pause and resume fine-tuning jobs; their events and
checkpoints."""

from __future__ import annotations

import enum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli import output
from tunesmith.cli.client import connect
from tunesmith.cli.files import file_id_for
from tunesmith.cli.watch import EXIT_CODES, describe, outcome
from tunesmith.cli.watch import watch as watch_job
from tunesmith.errors import InvalidRequest

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob

app = typer.Typer(no_args_is_help=True, help="Create, watch, list, show, pause and cancel fine-tuning jobs.")


class Method(enum.StrEnum):
    """How a job trains, in OpenAI's words."""

    supervised = "supervised"
    dpo = "dpo"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(metavar="JOB")]
Interval = Annotated[float, typer.Option(min=0.05, help="Seconds between two looks.")]


@app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    with connect() as client:
        found = list(islice(client.fine_tuning.jobs.list(limit=min(limit, 100)), limit))
    if as_json:
        output.print_json(found)
        return
    output.print_rows(
        ["ID", "STATUS", "MODEL", "TUNED MODEL", "CREATED"],
        ([j.id, j.status, j.model, j.fine_tuned_model, output.local_time(j.created_at)] for j in found),
        empty="No jobs yet; `tunesmith jobs create -m gpt-4o-mini -f train.jsonl` makes one.",
    )


@app.command("create")
def create_job(
    model: Annotated[str, typer.Option("--model", "-m", help="The model to start from.")],
    training_file: Annotated[
        str, typer.Option("--training-file", "-f", help="A file's id, or a path, which is uploaded.")
    ],
    validation_file: Annotated[
        str | None, typer.Option(help="A file's id, or a path, which is uploaded.")
    ] = None,
    suffix: Annotated[str | None, typer.Option(help="A word for the tuned model's name.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed and settings give the same model.")] = None,
    method: Annotated[Method, typer.Option(help="How to train: on replies, or on preference pairs.")] = (
        Method.supervised
    ),
    n_epochs: Annotated[str | None, typer.Option(help="Passes over the file.", show_default="auto")] = None,
    batch_size: Annotated[str | None, typer.Option(help="Examples a step.", show_default="auto")] = None,
    learning_rate_multiplier: Annotated[
        str | None, typer.Option(help="Factor on the automatic learning rate.", show_default="auto")
    ] = None,
    beta: Annotated[
        str | None, typer.Option(help="Of dpo: pull towards the base's own replies.", show_default="auto")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Watch the job until it ends.")] = False,
    interval: Interval = 1.0,
    as_json: AsJson = False,
) -> None:
    """Create a fine-tuning job; prints its id."""
    hyperparameters: dict[str, int | float | str] = {}
    for name, text, number in (
        ("n_epochs", n_epochs, int),
        ("batch_size", batch_size, int),
        ("learning_rate_multiplier", learning_rate_multiplier, float),
        ("beta", beta, float),
    ):
        if text is not None:
            hyperparameters[name] = _number_or_auto(name, text, number)
    request: dict[str, Any] = {"model": model, "suffix": suffix, "seed": seed}
    if beta is not None and method is not Method.dpo:
        raise InvalidRequest("--beta belongs to --method dpo", param="beta")
    if hyperparameters or method is not Method.supervised:
        request["method"] = {"type": method.value, method.value: {"hyperparameters": hyperparameters}}
    with connect() as client:
        request["training_file"] = file_id_for(client, training_file)
        request["validation_file"] = file_id_for(client, validation_file) if validation_file else None
        given = {name: value for name, value in request.items() if value is not None}
        job = client.fine_tuning.jobs.create(**given)
    if as_json and not watch:
        output.print_json(job)
    elif not as_json:
        output.print_result(job.id, f"Created {job.id}.")
    if watch:
        _watch(job.id, interval, as_json)
    elif output.is_terminal() and not as_json:
        print(f"`tunesmith jobs watch {job.id}` shows how it goes.")


@app.command("show")
def show_job(job_id: JobId, as_json: AsJson = False) -> None:
    """Show one job."""
    with connect() as client:
        job = client.fine_tuning.jobs.retrieve(job_id)
    if as_json:
        output.print_json(job)
        return
    used = job.hyperparameters.to_dict(mode="json") if job.hyperparameters else {}
    output.print_fields(
        [
            ("id", job.id),
            ("status", job.status),
            ("model", job.model),
            ("tuned model", job.fine_tuned_model),
            ("training file", job.training_file),
            ("validation file", job.validation_file),
            *((name.replace("_", " "), value) for name, value in used.items()),
            ("seed", job.seed),
            ("trained tokens", job.trained_tokens),
            ("created", output.local_time(job.created_at)),
            ("finished", output.local_time(job.finished_at)),
            ("expected finish", output.local_time(None if job.finished_at else job.estimated_finish)),
            ("result files", ", ".join(job.result_files)),
            ("metadata", job.metadata),
            ("error", job.error.message if job.error else None),
        ]
    )


@app.command("watch")
def watch_until_end(job_id: JobId, interval: Interval = 1.0, as_json: AsJson = False) -> None:
    """Watch a job until it ends; exit code 0 succeeded, 1 failed, 3 cancelled.

    Ctrl-C stops the watching only; the job goes on.
    """
    _watch(job_id, interval, as_json)


def _watch(job_id: str, interval_s: float, as_json: bool) -> None:
    try:
        with connect() as client:
            job, _curve = watch_job(client, job_id, interval_s, show=lambda event: not as_json)
    except KeyboardInterrupt:
        output.remark(f"The job goes on; `tunesmith jobs watch {job_id}` looks again.")
        raise typer.Exit(130) from None
    if as_json:
        output.print_json(job)
    elif job.status == "succeeded":
        output.print_result(job.fine_tuned_model or job.id, outcome(job))
    else:
        output.complain(outcome(job))
    raise typer.Exit(EXIT_CODES[job.status])


@app.command("cancel")
def cancel_job(job_id: JobId, as_json: AsJson = False) -> None:
    """Cancel a job that has not ended."""
    with connect() as client:
        job = client.fine_tuning.jobs.cancel(job_id)
    _changed(job, as_json)


@app.command("pause")
def pause_job(job_id: JobId, as_json: AsJson = False) -> None:
    """Pause a queued or a running job; a running one ends its step and saves where it stands."""
    with connect() as client:
        job = client.fine_tuning.jobs.pause(job_id)
    _changed(job, as_json, f"`tunesmith jobs resume {job.id}` lets it go on.")


@app.command("resume")
def resume_job(job_id: JobId, as_json: AsJson = False) -> None:
    """Let a paused job go on from where it stopped."""
    with connect() as client:
        job = client.fine_tuning.jobs.resume(job_id)
    _changed(job, as_json, f"`tunesmith jobs watch {job.id}` shows how it goes.")


def _changed(job: FineTuningJob, as_json: bool, hint: str = "") -> None:
    """Prints a job after a change of its state; the hint is for a person only."""
    if as_json:
        output.print_json(job)
    else:
        output.print_result(job.id, f"Job {job.id} is {job.status}. {hint}".rstrip())


@app.command("events")
def job_events(
    job_id: JobId,
    limit: Annotated[int, typer.Option(min=1, help="Only the newest so many.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Print a job's events, the oldest first."""
    with connect() as client:
        pages = client.fine_tuning.jobs.list_events(job_id, limit=min(limit, 100))
        events = list(islice(pages, limit))[::-1]
    if as_json:
        output.print_json(events)
        return
    for event in events:
        print(describe(event))


@app.command("checkpoints")
def job_checkpoints(job_id: JobId, as_json: AsJson = False) -> None:
    """List a job's checkpoints, the newest first; each answers by its name."""
    with connect() as client:
        found = list(client.fine_tuning.jobs.checkpoints.list(job_id, limit=100))
    if as_json:
        output.print_json(found)
        return
    output.print_rows(
        ["STEP", "MODEL", "TRAIN LOSS", "VALID LOSS", "CREATED"],
        (
            [
                c.step_number,
                c.fine_tuned_model_checkpoint,
                _figure(c.metrics.train_loss),
                _figure(c.metrics.full_valid_loss),
                output.local_time(c.created_at),
            ]
            for c in found
        ),
        empty="No checkpoints yet; one comes at the end of each epoch.",
    )


def _number_or_auto(name: str, text: str, number: type[int] | type[float]) -> int | float | str:
    if text == "auto":
        return text
    try:
        return number(text)
    except ValueError:
        kind = "a whole number" if number is int else "a number"
        raise InvalidRequest(f"--{name.replace('_', '-')} {text}: give {kind}, or auto.") from None


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
