"""Where a model folder keeps its chat templates: four places, looked up in transformers' order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.data.weights import read_json
from tunesmith.errors import BaseUnavailable

#: The template for requests without tools, and for all requests where it is the only one.
DEFAULT = "default"
TOOL_USE = "tool_use"


def read_templates(folder: Path) -> dict[str, str]:
    """The Jinja sources by name (`default`, `tool_use`, …); empty when the base has no chat template.

    `chat_template.jinja` and `additional_chat_templates/*.jinja` win over `tokenizer_config.json`, which
    holds one string or a list of named ones, and that wins over a processor's `chat_template.json`.
    """
    files = {DEFAULT: folder / "chat_template.jinja"}
    files |= {path.stem: path for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))}
    sources = {name: _read(path) for name, path in files.items() if path.is_file()}
    if sources:
        return sources
    for file in ("tokenizer_config.json", "chat_template.json"):
        if (folder / file).is_file():
            sources = _named(read_json(folder / file).get("chat_template"))
            if sources:
                return sources
    return {}


def _named(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {DEFAULT: value}
    if isinstance(value, dict):
        return {str(name): source for name, source in value.items() if isinstance(source, str)}
    if isinstance(value, list):
        named = [item for item in value if isinstance(item, dict)]
        return {
            str(item["name"]): item["template"] for item in named if isinstance(item.get("template"), str)
        }
    return {}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BaseUnavailable(f"{path} cannot be read: {error}") from error
