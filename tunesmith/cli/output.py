"""How the commands speak: tables and colour for people, plain tab-separated lines for pipes, JSON on request.

What a command prints is its result and goes to stdout; what it says on the way (progress, sentences about
what was done, complaints) goes to stderr when stdout is no terminal, so that `tunesmith … | cut -f1` works.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_BARS = "▁▂▃▄▅▆▇█"


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()


def console() -> Console:
    """A rich console on stdout as it is now (a test or a caller may have replaced it)."""
    return Console(highlight=False, markup=False, emoji=False)


def side_console() -> Console:
    """Where remarks and progress go: stdout for a person, stderr when stdout is piped."""
    return Console(highlight=False, markup=False, emoji=False, stderr=not is_terminal())


def print_json(value: Any) -> None:
    """The value as one indented JSON document; objects of the `openai` package as the server sent them."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict(mode="json")
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """A table with a heading for a person; without one, and tab-separated, for a pipe. `empty` is what a
    person reads when there is no row."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not is_terminal():
        for text in texts:
            print("\t".join(_one_line(cell) for cell in text))
        return
    if not texts:
        print(empty)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    for text in texts:
        table.add_row(*(Text(cell) for cell in text))
    here = console()
    # a row too long for the terminal goes on in its next line, so that an id can still be copied whole
    here.width = max(here.width, here.measure(table, options=here.options.update(max_width=10_000)).maximum)
    here.print(table, crop=False)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """One object, a line per field; absent values are left out."""
    present = [(name, str(value)) for name, value in fields if value not in (None, "", [], {})]
    if not is_terminal():
        for name, value in present:
            print(f"{name}\t{_one_line(value)}")
        return
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in present:
        table.add_row(Text(name), Text(value))
    console().print(table)


def print_result(identifier: str, sentence: str) -> None:
    """What a command has made: a sentence for a person, the bare id for a pipe."""
    print(sentence if is_terminal() else identifier)


def remark(sentence: str) -> None:
    """A sentence on the way to the result."""
    side_console().print(sentence, soft_wrap=True)


def complain(sentence: str) -> None:
    """Why the command could not do it: one sentence on stderr."""
    console = Console(highlight=False, markup=False, emoji=False, stderr=True)
    console.print(Text.assemble(("Error: ", "bold red"), sentence), soft_wrap=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def size(size_bytes: int | None) -> str:
    """Bytes for reading: `532 B`, `12.3 kB`, `4.0 MB`."""
    if size_bytes is None:
        return ""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    value, units = size_bytes / 1000, iter(("kB", "MB", "GB", "TB"))
    unit = next(units)
    while value >= 999.95 and (larger := next(units, None)):
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}"


def local_time(unix_s: int | float | None) -> str:
    """Unix seconds as local date and time."""
    return "" if unix_s is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s))


def duration(seconds: float) -> str:
    """Seconds for reading: `8 s`, `2 min 05 s`, `1 h 02 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def sparkline(values: Sequence[float], width: int = 20) -> str:
    """The course of a series in one line of `width` characters at most: ▇▆▄▃▂▁."""
    if not values:
        return ""
    buckets = min(width, len(values))
    means = []
    for i in range(buckets):
        part = values[i * len(values) // buckets : (i + 1) * len(values) // buckets]
        means.append(sum(part) / len(part))
    low, high = min(means), max(means)
    if high == low:
        return _BARS[0] * buckets
    return "".join(_BARS[round((mean - low) / (high - low) * (len(_BARS) - 1))] for mean in means)
