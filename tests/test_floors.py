"""The house rules of docs/house.md, read off the syntax tree: imports go down, the wings stay apart."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tunesmith"

FLOORS = {
    "errors": 0, "settings": 0, "ids": 0,
    "data": 1, "wire": 1, "engine_client": 1,
    "model": 2, "store": 2,
    "train": 3, "infer": 3, "evals": 3, "jobs": 3,
    "workers": 4,
    "api": 5,
    "server": 6, "cli": 6,
}  # fmt: skip
WORKSHOP = {"model", "train", "infer"}
OFFICE = {"store", "jobs", "evals", "api"}
MEETING_PLACES = {"workers", "cli"}  # may see the workshop; everything else outside it may not
TORCH_LIBRARIES = {"torch", "transformers", "peft", "accelerate"}
NEED_TORCH = WORKSHOP | MEETING_PLACES


def rooms(package: Path) -> dict[str, list[Path]]:
    """Each room with its files: a folder, or a single file."""
    found: dict[str, list[Path]] = {}
    for path in sorted(package.rglob("*.py")):
        first = path.relative_to(package).parts[0]
        if first == "__init__.py":
            continue
        found.setdefault(first.removesuffix(".py"), []).append(path)
    return found


def imports(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute module) of every import in a file, those inside functions too."""
    parents = list(path.relative_to(package.parent).with_suffix("").parts)
    if parents[-1] == "__init__":
        parents = [*parents[:-1], ""]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = ".".join([*parents[: -node.level], module]).rstrip(".")
            if module == package.name:  # from tunesmith import jobs
                for alias in node.names:
                    yield node.lineno, f"{module}.{alias.name}"
            else:
                yield node.lineno, module


def broken_rules(package: Path) -> list[str]:
    """One sentence for each import that climbs or crosses, and each room on no floor."""
    broken = []
    for room, files in rooms(package).items():
        if room not in FLOORS:
            broken.append(f"{room}: this room is on no floor; give it one in docs/house.md and here")
            continue
        for path in files:
            # a __main__ is a door that the front opens: what it runs may stand there
            floor = FLOORS["cli" if path.name == "__main__.py" else room]
            for line, module in imports(path, package):
                where = f"{path.relative_to(package.parent)}:{line}"
                top, _, rest = module.partition(".")
                if top in TORCH_LIBRARIES and room not in NEED_TORCH:
                    broken.append(f"{where}: {room} imports {top}, but its rooms need no torch")
                other = rest.partition(".")[0]
                if top != package.name or not other or other == room or other.startswith("__"):
                    continue
                if other not in FLOORS:
                    broken.append(f"{where}: imports {other}, which is on no floor")
                elif FLOORS[other] > floor:
                    broken.append(f"{where}: {room} (floor {floor}) climbs to {other} ({FLOORS[other]})")
                elif FLOORS[other] == FLOORS[room] and FLOORS[room] not in (0, 6):
                    broken.append(f"{where}: {room} imports its neighbour {other}")
                elif other in WORKSHOP and room not in NEED_TORCH:
                    broken.append(f"{where}: {room} (office) imports {other} (workshop)")
                elif other in OFFICE and room in WORKSHOP:
                    broken.append(f"{where}: {room} (workshop) imports {other} (office)")
    return broken


def test_imports_go_down_and_the_wings_stay_apart() -> None:
    assert broken_rules(PACKAGE) == []


@pytest.mark.parametrize(
    ("where", "line", "sentence"),
    [
        ("data/x.py", "from tunesmith.store import files", "climbs to store"),
        ("data/x.py", "from ..wire import errors", "its neighbour wire"),
        ("jobs/x.py", "def f():\n    import torch", "need no torch"),
        ("api/x.py", "from tunesmith import train", "(office) imports train"),
        ("train/x.py", "from tunesmith.store.jobs import get", "(workshop) imports store"),
        ("helpers/x.py", "", "on no floor"),
    ],
)
def test_each_kind_of_breach_is_named_with_its_file_and_line(
    tmp_path: Path, where: str, line: str, sentence: str
) -> None:
    path = tmp_path / "tunesmith" / where
    path.parent.mkdir(parents=True)
    path.write_text(line)
    [broken] = broken_rules(tmp_path / "tunesmith")
    assert sentence in broken


def test_the_office_does_not_load_torch() -> None:
    program = (
        "import sys, tunesmith.server, tunesmith.cli.main\n"
        f"print([name for name in sorted(sys.modules) if name in {sorted(TORCH_LIBRARIES)}])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_running_server_has_not_mapped_torch(server) -> None:
    maps = Path(f"/proc/{server.pid}/maps")
    if maps.exists():
        assert "libtorch" not in maps.read_text()
