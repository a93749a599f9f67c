"""A base folder's weight files: which they are, how many parameters they hold, and what their sha256 is.

Only the headers of safetensors files are parsed, never a pickle and never a tensor, so this needs no torch
and a folder of 100 GB is counted in milliseconds. Loading the tensors is the workshop's business.

A safetensors file is: 8 bytes little-endian header size, a JSON object {name: {dtype, shape, data_offsets}},
the data.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from pathlib import Path

from tunesmith.errors import BaseUnavailable

#: Bytes of JSON that the header of one safetensors file may have; the format's own reader has the same bound.
MAX_HEADER_BYTES = 100_000_000
INDEX = "model.safetensors.index.json"
#: Files besides the weights that decide what a model answers.
MEANING_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "chat_template.json",
)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of the model in `folder`, in order; raises `BaseUnavailable` if one is absent."""
    index = folder / INDEX
    if index.is_file():
        weight_map = read_json(index).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise BaseUnavailable(f"{index} has no weight_map; download the model again")
        names = sorted({str(name) for name in weight_map.values()})
        for name in names:
            if Path(name).name != name:
                raise BaseUnavailable(
                    f"{index} names the file {name!r} outside its folder; this is not a sound model"
                )
            if not (folder / name).is_file():
                raise BaseUnavailable(f"{folder} lacks {name}, which {INDEX} names; finish the download")
        return [folder / name for name in names]
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth", ".ckpt"})
    if pickles:
        raise BaseUnavailable(
            f"{folder} holds its weights as {pickles[0]}, a pickle that can run code when it is read; "
            "convert the model to safetensors (transformers: model.save_pretrained(folder)), or take another"
        )
    raise BaseUnavailable(f"{folder} holds no weights: neither model.safetensors nor {INDEX} is there")


def count_parameters(files: list[Path]) -> int:
    """Elements of all tensors in `files`; raises `BaseUnavailable` for a header that cannot be true."""
    return sum(math.prod(shape) for file in files for shape in _shapes(file).values())


def _shapes(file: Path) -> dict[str, list[int]]:
    size_bytes = file.stat().st_size
    with file.open("rb") as stream:
        prefix = stream.read(8)
        if len(prefix) < 8:
            raise BaseUnavailable(f"{file} is cut off: it has {size_bytes} bytes; download it again")
        (header_bytes,) = struct.unpack("<Q", prefix)
        if header_bytes > MAX_HEADER_BYTES or 8 + header_bytes > size_bytes:
            raise BaseUnavailable(
                f"{file} is no whole safetensors file: its header would have {header_bytes:,} bytes"
            )
        try:
            header = json.loads(stream.read(header_bytes))
        except (ValueError, RecursionError) as error:
            raise BaseUnavailable(f"{file} is no safetensors file: its header is not JSON") from error
    data_bytes = size_bytes - 8 - header_bytes
    shapes: dict[str, list[int]] = {}
    try:
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            begin, end = tensor["data_offsets"]
            if not 0 <= begin <= end or any(size < 0 for size in tensor["shape"]):
                raise ValueError(name)
            if end > data_bytes:
                raise BaseUnavailable(f"{file} is cut off inside the tensor {name}; download it again")
            shapes[name] = tensor["shape"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BaseUnavailable(
            f"{file} has a header that describes no tensors ({error!r}); download it again"
        ) from error
    return shapes


def digest(folder: Path, files: list[Path], *, cache: Path | None) -> str:
    """sha256 (hex) over names and contents of the weights, the configuration, the tokenizer and the template.

    `cache` is a JSON file of earlier results, keyed by path and valid while size and mtime are unchanged; it
    is written as a whole and a broken one counts as empty.
    """
    named = [*files, *(folder / name for name in MEANING_FILES if (folder / name).is_file())]
    named += sorted((folder / "additional_chat_templates").glob("*.jinja"))
    known = _read_cache(cache)
    fresh = dict(known)
    total = hashlib.sha256()
    for path in named:
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        entry = known.get(str(path.resolve()))
        if not (
            isinstance(entry, list) and len(entry) == 3 and entry[:2] == stamp and isinstance(entry[2], str)
        ):
            with path.open("rb") as stream:
                entry = [*stamp, hashlib.file_digest(stream, "sha256").hexdigest()]
            fresh[str(path.resolve())] = entry
        total.update(f"{path.name}\0{entry[2]}\n".encode())
    if cache is not None and fresh != known:
        _write_cache(cache, fresh)
    return total.hexdigest()


def _read_cache(cache: Path | None) -> dict[str, list]:
    if cache is None or not cache.is_file():
        return {}
    try:
        known = json.loads(cache.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_cache(cache: Path, entries: dict[str, list]) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    temporary = cache.with_name(f"{cache.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    temporary.replace(cache)


def read_json(path: Path) -> dict:
    """The JSON object in `path`; raises `BaseUnavailable` when it is missing, no JSON, or no object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BaseUnavailable(f"{path.parent} has no {path.name}, so it is no model folder") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BaseUnavailable(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise BaseUnavailable(f"{path} holds no JSON object")
    return value
