"""`tunesmith models`: list, show and delete models."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli import output
from tunesmith.cli.client import connect

app = typer.Typer(no_args_is_help=True, help="List, show and delete models.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(
    tuned: Annotated[bool, typer.Option("--tuned", help="Only models that were fine-tuned.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the models that this server answers with."""
    with connect() as client:
        found = [model for model in client.models.list() if not tuned or model.id.startswith("ft:")]
    if as_json:
        output.print_json(found)
        return
    output.print_rows(
        ["ID", "SERVED BY", "OWNED BY", "CREATED"],
        (
            [m.id, (m.model_extra or {}).get("served_by"), m.owned_by, output.local_time(m.created)]
            for m in found
        ),
        empty="No tuned models yet; `tunesmith jobs create` makes one." if tuned else "No models.",
    )


@app.command("show")
def show_model(model: Annotated[str, typer.Argument()], as_json: AsJson = False) -> None:
    """Show one model."""
    with connect() as client:
        found = client.models.retrieve(model)
    if as_json:
        output.print_json(found)
        return
    extra = {name: value for name, value in (found.model_extra or {}).items() if value is not None}
    output.print_fields(
        [
            ("id", found.id),
            ("owned by", found.owned_by),
            ("created", output.local_time(found.created)),
            *((name.replace("_", " "), value) for name, value in extra.items()),
        ]
    )


@app.command("delete")
def delete_models(models: Annotated[list[str], typer.Argument(metavar="MODEL...")]) -> None:
    """Delete tuned models."""
    with connect() as client:
        for model in models:
            client.models.delete(model)
            output.print_result(model, f"Deleted {model}.")
