"""`tunesmith serve`: turns flags into settings and hands them to the server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.errors import InvalidRequest
from tunesmith.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="TCP port; 0 takes a free one.", show_default="8000")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of all that is kept.", show_default="./tunesmith-data"),
    ] = None,
    base_model: Annotated[
        list[str] | None,
        typer.Option(
            help="A base model by folder or hub id; may be repeated, the first is the default base.",
            show_default="the nano model that ships",
        ),
    ] = None,
    alias: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MODEL", help="Serve MODEL under the name NAME too; may be repeated."),
    ] = None,
    moderation_model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="The model that /v1/moderations asks: a base model's name, or a tuned one's.",
            show_default="none; moderations are refused",
        ),
    ] = None,
) -> None:
    """Start the server: OpenAI's API under /v1, training and inference on this machine.

    Every flag has an environment variable TUNESMITH_<FLAG>; the flag wins.
    """
    given = {
        "host": host,
        "port": port,
        "data": data,
        "base_model": base_model or None,
        "alias": parse_aliases(alias) if alias else None,
        "moderation_model": moderation_model,
    }
    settings = settings_from({name: value for name, value in given.items() if value is not None})

    from tunesmith.server import run  # the office's libraries load only here

    run(settings)


def parse_aliases(pairs: list[str]) -> dict[str, str]:
    """`["gpt-4o=llama"]` as `{"gpt-4o": "llama"}`."""
    aliases = {}
    for pair in pairs:
        name, equals, model = pair.partition("=")
        if not (name and equals and model):
            raise InvalidRequest(f"--alias {pair}: write it as NAME=MODEL, for example gpt-4o=./my-base.")
        aliases[name] = model
    return aliases


def settings_from(given: dict[str, Any]) -> Settings:
    """The settings for these flags; a bad value, from a flag or the environment, is one sentence."""
    from pydantic import ValidationError

    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        source = f"--{name.replace('_', '-')}" if name in given else f"TUNESMITH_{name.upper()}"
        raise InvalidRequest(f"{source} {first['input']!r}: {first['msg']}.") from None
