"""A base model: a folder of safetensors weights with tokenizer and, mostly, a chat template; and the catalog
of names.

Reads configuration and file headers, never tensors, so the office can know its bases without torch. A base is
named by its folder's name, or by its hub id where it was downloaded.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.data import aliases as openai_names
from tunesmith.data.templates import read_templates
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.data.weights import count_parameters, digest, read_json, weight_files
from tunesmith.errors import BaseUnavailable

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
#: What is downloaded of a hub repository: never a pickle, never code.
HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "tokenizer*", "LICENSE*"]
HUB_IGNORED = ["*/*.safetensors", "consolidated*.safetensors", "onnx/*", "original/*"]


@dataclass(frozen=True)
class Base:
    """What the office needs to know about one base model."""

    id: str
    """Name on the wire: the folder's name, or the hub id."""
    path: Path
    """Absolute folder of the weights."""
    context_length: int
    """Tokens of prompt and completion together."""
    n_parameters: int
    """Elements of all tensors in the weight files."""
    hidden_size: int
    """Width of the residual stream."""
    model_type: str
    """The architecture's name in transformers, such as `qwen3`."""
    is_chat: bool
    """Whether it has a chat template."""
    eos_token_ids: tuple[int, ...]
    """Ids that end a generation."""
    digest: str
    """sha256 over weights, configuration, tokenizer and template."""


@dataclass(frozen=True)
class ResolvedBase:
    """A name as the wire carries it, and the base that answers to it."""

    wire_name: str
    base: Base


def read_base(path_or_hub_id: str | Path, *, cache: Path | None = None) -> Base:
    """Describe the base in a folder, or download it from the hub first.

    `cache` is a file that remembers digests. Raises `BaseUnavailable` with a sentence that names the path or
    repository.
    """
    folder, base_id = _locate(path_or_hub_id)
    config = read_json(folder / "config.json")
    text = config.get("text_config")  # multimodal models keep the language model's numbers one level down
    text = text if isinstance(text, dict) else config
    files = weight_files(folder)
    tokenizer = Tokenizer.load(folder)
    return Base(
        id=base_id,
        path=folder,
        context_length=_context_length(folder, text, tokenizer.model_max_length),
        n_parameters=count_parameters(files),
        hidden_size=_size(text, "hidden_size", "n_embd", "d_model") or _required(folder, "hidden_size"),
        model_type=str(config.get("model_type") or _required(folder, "model_type")),
        is_chat=bool(read_templates(folder)),
        eos_token_ids=tokenizer.eos_token_ids,
        digest=digest(folder, files, cache=cache),
    )


def _locate(path_or_hub_id: str | Path) -> tuple[Path, str]:
    folder = Path(path_or_hub_id).expanduser()
    if folder.is_dir():
        folder = folder.absolute()
        return folder, folder.resolve().name
    name = str(path_or_hub_id)
    if isinstance(path_or_hub_id, Path) or not _HUB_ID.fullmatch(name):
        raise BaseUnavailable(f"There is no model folder at {folder.absolute()}; check the path")
    return _download(name), name


def _download(repo_id: str) -> Path:
    """The snapshot of a hub repository, from the local cache or the network."""
    import huggingface_hub  # lazily: it costs 0.2 s, and most servers run on folders
    from huggingface_hub import errors as hub

    try:
        return Path(
            huggingface_hub.snapshot_download(repo_id, allow_patterns=HUB_FILES, ignore_patterns=HUB_IGNORED)
        )
    except hub.GatedRepoError as error:
        reason = (
            f"access is restricted: accept its terms at https://huggingface.co/{repo_id} and set HF_TOKEN"
        )
        cause: Exception = error
    except (hub.RepositoryNotFoundError, hub.HFValidationError) as error:
        reason, cause = (
            "the hub has no such repository, or it is private: check the name, or set HF_TOKEN",
            error,
        )
    except hub.LocalEntryNotFoundError as error:
        reason = "the hub cannot be reached and no copy lies in the local cache: connect, or give a folder"
        cause = error
    except Exception as error:  # timeouts, proxies, full disks: many libraries deep, one answer for all
        reason, cause = f"the download failed ({error}): try again, or give a folder", error
    raise BaseUnavailable(
        f"There is no folder {repo_id!r} here, and {repo_id!r} was not downloaded: {reason}"
    ) from cause


def _size(config: Mapping[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _required(folder: Path, key: str) -> Any:
    raise BaseUnavailable(f"{folder / 'config.json'} does not say {key}; add it")


def _context_length(folder: Path, config: Mapping[str, Any], model_max_length: int | None) -> int:
    stated = _size(config, "max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
    known = [length for length in (stated, model_max_length) if length is not None]
    return min(known) if known else _required(folder, "max_position_embeddings")


class Catalog:
    """The bases of one server and all names that lead to them.

    A name is looked up among the bases' own ids, the operator's aliases, then OpenAI's names, which all mean
    the default base. An alias for one of OpenAI's short names holds for its dated snapshot too, unless that
    has one of its own.
    """

    def __init__(
        self,
        bases: Sequence[Base],
        aliases: Mapping[str, str] | None = None,
        *,
        embedding: str | None = None,
    ) -> None:
        """`bases`: the default first; `aliases`: name to base id or folder; `embedding`: the id or folder
        that OpenAI's embedding models stand for, the default base if None. Raises `BaseUnavailable`."""
        if not bases:
            raise BaseUnavailable("No base model is given; name a folder or a hub id")
        self._bases: dict[str, Base] = {}
        for base in bases:
            other = self._bases.setdefault(base.id, base)
            if other.path != base.path:
                raise BaseUnavailable(
                    f"{base.path} and {other.path} would both be called {base.id!r}; rename a folder"
                )
        self._aliases: dict[str, Base] = {}
        for name, target in (aliases or {}).items():
            found = self._find(target)
            if found is None:
                known = ", ".join(self._bases)
                raise BaseUnavailable(
                    f"The alias {name!r} stands for {target!r}, which is not served; there is: {known}"
                )
            self._aliases[name] = found
        for_embeddings = self.default if embedding is None else self._find(embedding)
        if for_embeddings is None:
            raise BaseUnavailable(f"The embedding model {embedding!r} is not served; name a base model")
        self._for_embeddings = for_embeddings

    @classmethod
    def open(
        cls,
        bases: Sequence[str | Path],
        aliases: Mapping[str, str],
        *,
        embedding: str | None = None,
        cache: Path | None = None,
    ) -> Catalog:
        """Read each base, and each alias's target that is not among them; the embedding model too."""
        read = [read_base(base, cache=cache) for base in bases]
        for target in (*aliases.values(), *([embedding] if embedding else [])):
            if cls(read)._find(target) is None:
                read.append(read_base(target, cache=cache))
        return cls(read, aliases, embedding=embedding)

    @property
    def default(self) -> Base:
        """The base that OpenAI's names stand for."""
        return next(iter(self._bases.values()))

    @property
    def bases(self) -> list[Base]:
        """All bases, the default first."""
        return list(self._bases.values())

    def by_id(self, base_id: str) -> Base | None:
        """The base of this id, never another one."""
        return self._bases.get(base_id)

    def resolve(self, name: str) -> ResolvedBase | None:
        """What `name` means now (`gpt-4o-mini`: wire name `gpt-4o-mini-2024-07-18`); None if unknown."""
        wire_name = openai_names.snapshot(name) or name
        for known in (name, wire_name):
            if known in self._aliases:
                return ResolvedBase(wire_name, self._aliases[known])
        if name in self._bases:
            return ResolvedBase(name, self._bases[name])
        if name.startswith(("/", "./", "../", "~/")) and (base := self._by_path(name)) is not None:
            return ResolvedBase(base.id, base)
        if openai_names.snapshot(name) is None:
            return None
        short = next((s for s, dated in openai_names.SNAPSHOTS.items() if dated == name), name)
        return ResolvedBase(wire_name, self._aliases.get(short, self.default))

    def resolve_embedding(self, name: str) -> ResolvedBase | None:
        """As `resolve`, and OpenAI's embedding models too, which are no names to chat with."""
        if name in openai_names.EMBEDDINGS and name not in self._aliases:
            return ResolvedBase(name, self._for_embeddings)
        return self.resolve(name)

    def names(self) -> list[ResolvedBase]:
        """Every name that resolves, each as itself: bases, aliases, then OpenAI's, short and dated."""
        every = dict.fromkeys([*self._bases, *self._aliases, *openai_names.all_names()])
        return [ResolvedBase(name, found.base) for name in every if (found := self.resolve(name)) is not None]

    def _by_path(self, name: str) -> Base | None:
        """The base in this folder, by spelling alone: a client's word makes no server look at its disk."""
        folder = os.path.normpath(os.path.join(os.getcwd(), os.path.expanduser(name)))
        return next((base for base in self._bases.values() if os.path.normpath(base.path) == folder), None)

    def _find(self, target: str) -> Base | None:
        if target in self._bases:
            return self._bases[target]
        folder = os.path.realpath(Path(target).expanduser())
        return next((base for base in self._bases.values() if os.path.realpath(base.path) == folder), None)


def nearest(name: str, names: Iterable[str], n: int = 3) -> list[str]:
    """The at most `n` of `names` that resemble `name` most, best first; for the sentence of a 404.

    A tuned model's name is compared part by part, so that `ft:gpt-3.5-turbo:org` finds
    `ft:gpt-3.5-turbo-0125:personal:support:aB3dE5fG`.
    """
    asked = name[:200].lower()  # difflib takes quadratic time, and the name is a stranger's
    scored = [(_resemblance(asked, known.lower()), known) for known in dict.fromkeys(names)]
    close = sorted((item for item in scored if item[0] >= 0.5), key=lambda item: (-item[0], item[1]))
    return [known for _, known in close[:n]]


def _resemblance(asked: str, known: str) -> float:
    whole = difflib.SequenceMatcher(None, asked, known).ratio()
    if asked.startswith("ft:") and known.startswith("ft:"):
        asked_parts, known_parts = asked.split(":")[1:], known.split(":")[1:]
        model = difflib.SequenceMatcher(None, asked_parts[0], known_parts[0]).ratio()
        rest = difflib.SequenceMatcher(None, ":".join(asked_parts[1:]), ":".join(known_parts[1:])).ratio()
        return max(whole, 0.5 + 0.4 * model + 0.1 * rest)
    if asked.startswith("ft:"):
        whole = max(whole, 0.8 * difflib.SequenceMatcher(None, asked.split(":")[1], known).ratio())
    return whole
