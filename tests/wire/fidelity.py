"""Where our wire differs from OpenAI's: found by comparing schemas, explained in
`docs/reference/openai-api.toml`, and printed as the page `docs/reference/openai-api.md`.

    python -m tests.wire.fidelity            # what is found and not explained, or explained and not found
    python -m tests.wire.fidelity --write    # writes the page
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.wire.openai_surface import Operation, bare, operations
from tests.wire.schema_shape import Document, Gap, answer_gaps, request_gaps
from tunesmith.api.app import create_app
from tunesmith.api.not_served import TABLE
from tunesmith.api.office import Office
from tunesmith.settings import Settings
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SIDES = ("request", "answer")

Found = dict[tuple[str, str, str], str]
"""(call, side, place) -> what differs there."""


@dataclass(frozen=True)
class Explained:
    """The file of reasons: why each difference is there."""

    reasons: dict[tuple[str, str, str], str]
    notes: dict[str, list[str]]
    """Differences that no schema shows, by call."""

    @classmethod
    def load(cls) -> Explained:
        """Reads `openai-api.toml`."""
        reasons: dict[tuple[str, str, str], str] = {}
        notes: dict[str, list[str]] = defaultdict(list)
        for block in tomllib.loads((REFERENCE / "openai-api.toml").read_text())["differences"]:
            for call in block["calls"]:
                notes[call] += block.get("notes", [])
                for side in SIDES:
                    for place, reason in block.get(side, {}).items():
                        assert (call, side, place) not in reasons, f"{call} {side} {place} is explained twice"
                        reasons[call, side, place] = reason
        return cls(reasons, notes)


def our_document() -> dict[str, Any]:
    """`/openapi.json` as the server gives it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        db = Database.open(settings.database_url)
        try:
            return create_app(Office(settings=settings, db=db, blobs=Blobs(settings.objects_url))).openapi()
        finally:
            db.close()


def our_calls(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """`POST /v1/files` -> what the document says about it."""
    return {
        f"{method.upper()} {bare(path)}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1/")
    }


def served(document: dict[str, Any]) -> dict[str, Operation]:
    """OpenAI's calls that we serve."""
    ours = our_calls(document)
    found: dict[str, Operation] = {}
    for operation in operations():
        if operation.key in ours:
            found.setdefault(operation.key, operation)
    return found


def differences(document: dict[str, Any]) -> Found:
    """Every place where our schema and OpenAI's differ."""
    found: Found = {}
    ours = our_calls(document)
    for key, operation in served(document).items():
        for side, gap in _gaps(operation, ours[key], Document(document)):
            found[key, side, gap.place] = gap.problem
    return found


def _gaps(operation: Operation, ours: dict[str, Any], document: Document) -> list[tuple[str, Gap]]:
    gaps: list[tuple[str, Gap]] = []
    contents = ours.get("requestBody", {}).get("content", {})
    theirs = operation.body_schema()
    if theirs is not None:
        schema = contents.get("application/json", {}).get("schema")
        if schema is None:
            gaps.append(("request", Gap("", "has no documented body")))
        else:
            gaps += [("request", gap) for gap in request_gaps((Document(theirs), theirs), (document, schema))]
    elif operation.method == "POST" and "multipart/form-data" in contents:
        gaps += [("request", gap) for gap in _form_gaps(operation, contents["multipart/form-data"]["schema"])]
    query = {parameter["name"] for parameter in ours.get("parameters", []) if parameter["in"] == "query"}
    gaps += [("request", Gap(name, "is not taken")) for name in sorted(operation.query - query)]
    theirs = operation.answer_schema()
    schema = ours["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema")
    if theirs is not None:
        if schema is None:
            gaps.append(("answer", Gap("", "has no documented answer")))
        else:
            if operation.is_list:
                schema = _item(document, schema)
            gaps += [("answer", gap) for gap in answer_gaps((Document(theirs), theirs), (document, schema))]
    return gaps


def _form_gaps(operation: Operation, form: dict[str, Any]) -> list[Gap]:
    fields = {name.partition("[")[0] for name in form.get("properties", {})}
    return [Gap(name, "is not taken") for name in sorted(operation.field_names() - fields)]


def _item(document: Document, page: dict[str, Any]) -> dict[str, Any]:
    data = document.shape([page]).properties["data"]
    return document.shape(data).items[0]


def unexplained(found: Found, explained: Explained) -> list[str]:
    """Differences without a reason, and reasons without a difference, as lines to read."""
    lines = [
        f"{call}: {side} {place or 'itself'} {problem}: no reason is given"
        for (call, side, place), problem in sorted(found.items())
        if (call, side, place) not in explained.reasons
    ]
    lines += [
        f"{call}: {side} {place}: a reason is given, but there is no difference"
        for call, side, place in sorted(explained.reasons.keys() - found.keys())
    ]
    return lines


def page(document: dict[str, Any], explained: Explained) -> str:
    """The reference page."""
    found, calls = differences(document), served(document)
    lines = [
        "# OpenAI's API, call by call",
        "",
        "Which calls of the `openai` client this server answers, and where it differs. The comparison is",
        "made by `python -m tests.wire.fidelity --write`: each schema of our `/openapi.json` beside the",
        "types of the published client, place by place; the reasons stand in",
        "[openai-api.toml](openai-api.toml), and a test holds the two together. What a call's row does not",
        "name is as OpenAI has it.",
        "",
        "## Served",
        "",
        "| call | SDK | |",
        "|---|---|---|",
    ]
    for key in sorted(calls, key=_order):
        n = sum(1 for call, _, _ in found if call == key) + len(explained.notes.get(key, ()))
        verdict = "as OpenAI" if not n else f"[differs](#{_anchor(key)})"
        lines.append(f"| `{_shown(key)}` | `{calls[key].name}` | {verdict} |")
    lines += ["", "## Where it differs", ""]
    for key in sorted(calls, key=_order):
        entries = [(side, place) for call, side, place in sorted(found) if call == key]
        notes = explained.notes.get(key, [])
        if not entries and not notes:
            continue
        lines += [f'<a id="{_anchor(key)}"></a>**`{_shown(key)}`**', ""]
        for side, place in entries:
            name = f"`{place}`" if place else "the whole"
            reason = explained.reasons.get((key, side, place), "")
            lines.append(f"- {side}: {name} {found[key, side, place]}. {reason}")
        lines += [f"- {note}" for note in notes]
        lines.append("")
    extra = sorted(our_calls(document).keys() - calls.keys(), key=_order)
    lines += ["## Ours alone", "", "| call | |", "|---|---|"]
    for key in extra:
        summary = our_calls(document)[key].get("description", "").split("\n")[0]
        lines.append(f"| `{_shown(key)}` | {summary} |")
    lines += ["", "## Not served", "", "Each answers with an error that gives the same reason.", ""]
    lines += ["| calls | why, and what instead |", "|---|---|"]
    lines += [f"| {row} | {reason} |" for row, reason in _not_served()]
    return "\n".join(lines) + "\n"


def _not_served() -> list[tuple[str, str]]:
    return [
        (", ".join(f"`/v1{path}`" for path in entry.paths), f"{entry.reason} {entry.instead}")
        for entry in TABLE
    ]


def _order(key: str) -> tuple[str, str]:
    method, _, path = key.partition(" ")
    return path, method


def _shown(key: str) -> str:
    return key.replace("{}", "{id}")


def _anchor(key: str) -> str:
    words = key.lower().replace("{}", "id").replace("/", " ").split()
    return "-".join(word.replace("_", "-") for word in words)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/reference/openai-api.md")
    args = parser.parse_args()
    document, explained = our_document(), Explained.load()
    if args.write:
        (REFERENCE / "openai-api.md").write_text(page(document, explained))
    lines = unexplained(differences(document), explained)
    print("\n".join(lines) or "every difference has its reason")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
