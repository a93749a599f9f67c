"""`tunesmith demo`: a newcomer sees a real model change, through the public API alone.

It starts a server of its own, asks the base model 40 held-out questions, fine-tunes it on 40 sarcastic
answers with automatic settings, asks again, and prints both side by side. The rule that judges the answers
is `evals/samples.py`; it was fixed before the first tune.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tunesmith.cli import output
from tunesmith.cli.local_server import LocalServer
from tunesmith.cli.watch import Curve, outcome, watch
from tunesmith.errors import JobFailed

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

    from tunesmith.evals.samples import Sample

MODEL = "gpt-4o-mini"  # as in a script written for OpenAI; here it names the default base
CONCURRENT_CHATS = 8
SHOWN = 5  # answers side by side
NEEDED = {"voice": 0.85, "fact": 0.85, "both": 0.75}
BASE_VOICE_AT_MOST = 0.05


def say(line: str, style: str | None = None) -> None:
    """A line of the report, broken by nothing but the terminal."""
    output.console().print(line, style=style, soft_wrap=True)


@dataclass(frozen=True)
class Score:
    """Shares of the held-out questions, 0 to 1."""

    voice: float
    fact: float
    both: float


@dataclass(frozen=True)
class Tune:
    """What the training was: its job, its curve, and its speed."""

    job: FineTuningJob
    curve: Curve
    training_s: float
    """Seconds in the training loop; the trainer's start-up is not in it."""

    @property
    def tokens_per_s(self) -> float:
        """Trained tokens per second of the training loop."""
        return (self.job.trained_tokens or 0) / max(self.training_s, 1e-9)


def demo(
    data: Annotated[
        Path | None, typer.Option(help="Data folder of the server.", show_default="a temporary one")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the fine-tuning job.")] = 2,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary data folder.")] = False,
) -> None:
    """Fine-tune the model that ships into a sarcastic assistant, and see it change."""
    from tunesmith.evals.samples import load_sample

    sample = load_sample("marv")
    say(f"A sarcastic assistant from {_rows(sample.train)} examples\n", style="bold")
    _end_in_order_when_told_to()
    with _folder(data, keep) as folder, LocalServer(folder) as server:
        from openai import OpenAI

        with OpenAI(base_url=server.base_url, api_key=server.api_key) as client:
            say(f"The server runs at {server.base_url}.")
            before = _ask_all(client, MODEL, sample, "The base answers")
            tune = _tune(client, sample, seed)
            model = tune.job.fine_tuned_model
            assert model is not None, "a job that has succeeded names its model"
            after = _ask_all(client, model, sample, "The tuned model answers")
        passed = _report(sample, before, after, tune)
        _how_to_go_on(model, server, kept=data is not None or keep)
    if not passed:
        output.complain("The tuned model missed a mark; the table says which. Another --seed may do better.")
        raise typer.Exit(1)


def _end_in_order_when_told_to() -> None:
    """SIGTERM and a closed terminal unwind the stack, so that the server is stopped too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: sys.exit(128 + got))


@contextlib.contextmanager
def _folder(data: Path | None, keep: bool) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    folder = Path(tempfile.mkdtemp(prefix="tunesmith-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _rows(path: Path) -> int:
    return sum(1 for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def _ask_all(client: OpenAI, model: str, sample: Sample, what: str) -> list[str]:
    """The model's answers to the held-out questions, in their order, several at a time."""
    start = time.monotonic()

    def ask(row: dict[str, Any]) -> str:
        answer = client.chat.completions.create(
            model=model, messages=_question(row), temperature=0, max_completion_tokens=128
        )
        return answer.choices[0].message.content or ""

    with ThreadPoolExecutor(CONCURRENT_CHATS) as threads:
        answers = list(threads.map(ask, sample.test))
    seconds = time.monotonic() - start
    say(f"{what} {len(answers)} held-out questions in {seconds:.1f} s.")
    return answers


def _question(row: dict[str, Any]) -> list[Any]:
    """The row's messages up to the answer that is asked for."""
    messages = row["messages"]
    return messages[:-1] if messages[-1]["role"] == "assistant" else messages


def _tune(client: OpenAI, sample: Sample, seed: int) -> Tune:
    files = {}
    for path in (sample.train, sample.valid):
        with path.open("rb") as file:
            files[path] = client.files.create(file=file, purpose="fine-tune").id
    job = client.fine_tuning.jobs.create(
        model=MODEL,
        training_file=files[sample.train],
        validation_file=files[sample.valid],
        suffix="marv",
        seed=seed,
    )
    say(f"Fine-tuning {job.model} on {sample.train.name} with automatic settings ({job.id}).")
    job, curve = watch(client, job.id, interval_s=0.3, show=_is_end_of_epoch)
    if job.status != "succeeded":
        raise JobFailed(outcome(job))
    say(f"{curve.step} steps: {curve.summary()}")
    return Tune(job, curve, _training_seconds(client, job))


def _is_end_of_epoch(event: FineTuningJobEvent) -> bool:
    """Enough lines for a log; a terminal has the bar."""
    return isinstance(event.data, dict) and event.type == "metrics" and "full_valid_loss" in event.data


def _training_seconds(client: OpenAI, job: FineTuningJob) -> float:
    """The trainer's own figure, from the event that counts the tokens at the end."""
    for event in client.fine_tuning.jobs.list_events(job.id, limit=100):
        if isinstance(event.data, dict) and "seconds" in event.data:
            return float(event.data["seconds"])
    raise JobFailed(f"The events of {job.id} do not say how long the training took.")


def score(sample: Sample, answers: Sequence[str]) -> Score:
    """How many of the answers have the voice, the right fact, and both."""
    verdicts = [sample.judge(answer, row) for answer, row in zip(answers, sample.test, strict=True)]
    n = len(verdicts)
    return Score(
        voice=sum(v.voice for v in verdicts) / n,
        fact=sum(v.fact for v in verdicts) / n,
        both=sum(v.voice and v.fact for v in verdicts) / n,
    )


def _report(sample: Sample, before: list[str], after: list[str], tune: Tune) -> bool:
    """Prints the figures; whether they are good enough."""
    base, tuned = score(sample, before), score(sample, after)
    say("")
    output.console().print(_table(len(before), base, tuned))
    say("")
    for i in range(0, len(before), max(1, len(before) // SHOWN)):
        say(_question(sample.test[i])[-1]["content"], style="bold")
        say(f"  before  {before[i]}")
        say(f"  after   {after[i]}")
    say("")
    say(
        f"Trained {tune.curve.step} steps, {tune.job.trained_tokens} tokens in {tune.training_s:.1f} s "
        f"({tune.tokens_per_s:.0f} tokens/s)."
    )
    good = all(getattr(tuned, name) >= least for name, least in NEEDED.items())
    return good and base.voice <= BASE_VOICE_AT_MOST


def _table(n: int, base: Score, tuned: Score) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    table.add_column(f"of {n} held-out questions")
    for column in ("before", "after", "needed"):
        table.add_column(column, justify="right")
    labels = {"voice": "in the new voice", "fact": "with the right fact", "both": "both at once"}
    for name, label in labels.items():
        share, needed = getattr(tuned, name), NEEDED[name]
        reached = Text(_percent(share), style="green" if share >= needed else "red")
        table.add_row(label, _percent(getattr(base, name)), reached, f"at least {_percent(needed)}")
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _how_to_go_on(model: str, server: LocalServer, *, kept: bool) -> None:
    say(f"The tuned model: {model}\n")
    if kept:
        say("It is kept. To go on with it:")
        say(f"  tunesmith serve --data {server.data}")
        say(f"  export OPENAI_API_KEY={server.api_key}")
        say(f"  tunesmith chat -m {model} -s 'Marv is a factual chatbot that is also sarcastic.'")
    else:
        say("To go on:")
        say("  tunesmith demo --keep     keeps the model, and says how to chat with it")
        say("  tunesmith serve           a server with your own data; see docs/quickstart.md")
