"""`tunesmith files`: upload, list, show, print and delete files."""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli import output
from tunesmith.cli.client import connect
from tunesmith.errors import InvalidRequest

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import FileObject

app = typer.Typer(no_args_is_help=True, help="Upload, list, show, print and delete files.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_files(
    purpose: Annotated[str | None, typer.Option(help="Only of this purpose, such as fine-tune.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List files, the newest first."""
    with connect() as client:
        pages = client.files.list(purpose=purpose) if purpose else client.files.list()
        found = list(islice(pages, limit))
    if as_json:
        output.print_json(found)
        return
    output.print_rows(
        ["ID", "NAME", "SIZE", "PURPOSE", "CREATED"],
        ([f.id, f.filename, output.size(f.bytes), f.purpose, output.local_time(f.created_at)] for f in found),
        empty="No files yet; `tunesmith files upload train.jsonl` brings one.",
    )


@app.command("upload")
def upload_file(
    path: Annotated[Path, typer.Argument(help="The file to upload.")],
    purpose: Annotated[str, typer.Option(help="What the file is for.")] = "fine-tune",
    as_json: AsJson = False,
) -> None:
    """Upload a file; prints its id."""
    with connect() as client:
        uploaded = upload(client, path, purpose)
    if as_json:
        output.print_json(uploaded)
    else:
        output.print_result(
            uploaded.id, f"Uploaded {uploaded.filename} as {uploaded.id} ({output.size(uploaded.bytes)})."
        )


@app.command("show")
def show_file(file_id: Annotated[str, typer.Argument(metavar="FILE")], as_json: AsJson = False) -> None:
    """Show one file."""
    with connect() as client:
        found = client.files.retrieve(file_id)
    if as_json:
        output.print_json(found)
        return
    output.print_fields(
        [
            ("id", found.id),
            ("name", found.filename),
            ("size", output.size(found.bytes)),
            ("purpose", found.purpose),
            ("created", output.local_time(found.created_at)),
            ("expires", output.local_time(found.expires_at)),
            ("status", found.status),
            ("details", found.status_details),
        ]
    )


@app.command("content")
def file_content(
    file_id: Annotated[str, typer.Argument(metavar="FILE")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write there instead of to stdout.")] = None,
    decode: Annotated[
        bool, typer.Option("--decode", help="Decode base64, as which a job's result file comes.")
    ] = False,
) -> None:
    """Print what is in a file, byte for byte."""
    with (
        connect() as client,
        client.files.with_streaming_response.content(file_id) as response,
        nullcontext(sys.stdout.buffer) if out is None else out.open("wb") as target,
    ):
        pieces = _decoded(response.iter_bytes()) if decode else response.iter_bytes()
        for piece in pieces:
            target.write(piece)
        target.flush()


def _decoded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Base64 back to bytes, four characters giving three."""
    rest = b""
    try:
        for piece in pieces:
            text = rest + b"".join(piece.split())  # line breaks are no part of it
            whole = len(text) - len(text) % 4
            yield base64.b64decode(text[:whole], validate=True)
            rest = text[whole:]
        yield base64.b64decode(rest, validate=True)
    except binascii.Error:
        raise InvalidRequest("The file is not base64; leave --decode out.") from None


@app.command("delete")
def delete_files(file_ids: Annotated[list[str], typer.Argument(metavar="FILE...")]) -> None:
    """Delete files."""
    with connect() as client:
        for file_id in file_ids:
            client.files.delete(file_id)
            output.print_result(file_id, f"Deleted {file_id}.")


def upload(client: OpenAI, path: Path, purpose: str) -> FileObject:
    """The uploaded file's object."""
    if not path.is_file():
        raise InvalidRequest(f"{path} is no file; name one that exists.")
    with path.open("rb") as file:
        return client.files.create(file=file, purpose=purpose)  # type: ignore[arg-type]  # the server judges


def file_id_for(client: OpenAI, id_or_path: str) -> str:
    """A file's id as it is; a path is uploaded first, and said so."""
    path = Path(id_or_path)
    if path.is_file():
        uploaded = upload(client, path, "fine-tune")
        output.remark(f"Uploaded {path} as {uploaded.id}.")
        return uploaded.id
    if "/" in id_or_path or path.suffix:  # ids have neither
        raise InvalidRequest(f"{id_or_path} is neither a file here nor the id of an uploaded one.")
    return id_or_path
