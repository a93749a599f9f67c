"""The `tunesmith` command: its nouns and verbs in one place. Each lives in a file of its own."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import tunesmith
from tunesmith.cli import chat, demo, files, jobs, models, output, serve, train, validate
from tunesmith.cli.explain import explain


class _SentenceGroup(TyperGroup):
    """Ends with exit code 1 and one sentence where Python would print a traceback for the user's mistake."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader of the pipe has left; typer ends quietly
        except Exception as error:
            sentence = explain(error)
            if sentence is None:
                raise
            output.complain(sentence)
            raise typer.Exit(1) from None


app = typer.Typer(
    name="tunesmith",
    cls=_SentenceGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fine-tuning with OpenAI's wire format, on your own machine and on open weights.",
    epilog="files, jobs, models and chat talk to the server at OPENAI_BASE_URL with OPENAI_API_KEY; "
    "without them to http://127.0.0.1:8000/v1.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tunesmith {tunesmith.__version__}")
        raise typer.Exit()


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options that belong to every command."""


app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("validate")(validate.validate)
app.add_typer(files.app, name="files")
app.add_typer(jobs.app, name="jobs")
app.add_typer(models.app, name="models")
app.command("chat")(chat.chat)
app.command("train", context_settings=train.PASS_THROUGH, add_help_option=False)(train.train)
