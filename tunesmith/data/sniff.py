"""Whether an uploaded file is JSON lines at all, judged by its first bytes.

Only what no reading could save is refused here, with a word on what it looks like; all else is stored, and
the job judges it whole.
"""

from __future__ import annotations

import json

from tunesmith.data.syntax import is_incomplete
from tunesmith.errors import InvalidRequest

_SIGNATURES = (
    (b"\x1f\x8b", "a gzip archive", "unpack it first: gunzip FILE"),
    (
        b"PK\x03\x04",
        "a zip archive or an Office document",
        "unpack it, or export the sheet, and upload the .jsonl",
    ),
    (
        b"PAR1",
        "a Parquet file",
        "convert it: pandas.read_parquet(FILE).to_json(OUT, orient='records', lines=True)",
    ),
    (
        b"ARROW1",
        "an Arrow file",
        "convert it: pandas.read_feather(FILE).to_json(OUT, orient='records', lines=True)",
    ),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it first: unzstd FILE"),
    (b"BZh", "a bzip2 archive", "unpack it first: bunzip2 FILE"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it first: unxz FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"%PDF", "a PDF document", "write its text as JSON lines"),
    (b"SQLite format 3\x00", "an SQLite database", "export the rows as JSON lines"),
    (b"\x89PNG", "a PNG image", "upload the .jsonl file"),
    (b"\xff\xd8\xff", "a JPEG image", "upload the .jsonl file"),
)
_EXPECTED = "Expected file to have JSONL format, where every line is a JSON dictionary."
_RECODE = "save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > OUT"


def sniff(first_bytes: bytes, filename: str, *, row: str = '{"messages": [...]}') -> None:
    """Raise `InvalidRequest` when a file that begins with `first_bytes` is no JSONL.

    Give it some kilobytes: a first line that does not end within them is judged by what is there. `row` is
    what a row of such a file looks like, for the sentence.
    """
    for signature, kind, remedy in _SIGNATURES:
        if first_bytes.startswith(signature):
            raise _refusal(filename, f"It looks like {kind}", remedy)
    if first_bytes.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_second_is_nul(first_bytes):
        raise _refusal(filename, "It looks like UTF-16", _RECODE)
    if b"\0" in first_bytes:
        raise _refusal(filename, "It is binary", "upload a text file with one JSON object per line")
    data = first_bytes.removeprefix(b"\xef\xbb\xbf")
    number, line, complete = _first_line(data)
    if not line:
        raise _refusal(filename, "It is empty", "write one JSON object per line")
    text = line.decode("utf-8", errors="replace").strip()
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if not complete and text.startswith("{") and is_incomplete(text, error):
            return  # a long first row; the job will see all of it
    except (ValueError, RecursionError):
        if text.startswith("{"):
            return  # an object that only the job can judge
    else:
        if isinstance(value, dict):
            return
    looks, remedy = _resembles(text, data, row)
    hinted = f'Line {number} is not a dictionary (HINT: line starts with: "{text[:3]}...").'
    raise InvalidRequest(f"{_EXPECTED} {hinted} {looks}; {remedy}.", param="file")


def _refusal(filename: str, looks: str, remedy: str) -> InvalidRequest:
    name = filename.encode(errors="backslashreplace").decode()[:100]
    return InvalidRequest(
        f"{_EXPECTED} {name!r} is not. {looks}; {remedy}.",
        param="file",
    )


def _first_line(data: bytes) -> tuple[int, bytes, bool]:
    """Number and content of the first line that is not blank, and whether its end was seen."""
    lines = data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            return number, line, number < len(lines)
    return 1, b"", True


def _every_second_is_nul(data: bytes) -> bool:
    head = data[:200]
    return len(head) >= 4 and (not any(head[1::2]) or not any(head[::2]))


def _resembles(text: str, data: bytes, row: str) -> tuple[str, str]:
    if text.startswith("["):
        return "It looks like a JSON array", "write each element on a line of its own: jq -c '.[]' FILE > OUT"
    if text.startswith(("{'", "{ '")):
        return "It looks like Python dictionaries", "write each with json.dumps"
    if text.startswith("{"):
        more = data.lstrip()[len(text) :].strip()
        if more and not text.endswith("}"):
            return (
                "It looks like JSON objects over several lines",
                "write each on one line: jq -c . FILE > OUT",
            )
        return (
            "It looks like JSON with a mistake in it",
            "mend the first line, or write each row with json.dumps",
        )
    if text.startswith("<"):
        return "It looks like HTML or XML", "upload the .jsonl file"
    if text.count(",") >= 1 or "\t" in text:
        return (
            "It looks like CSV",
            "convert it: pandas.read_csv(FILE).to_json(OUT, orient='records', lines=True)",
        )
    return "It looks like plain text", f"write rows such as {row}"
