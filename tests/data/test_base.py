"""Bases: what their folders say, what a broken one is told, and the names that lead to them."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.bases import CHATML, write_base, write_safetensors
from tunesmith.data import aliases
from tunesmith.data.base import Base, Catalog, nearest, read_base
from tunesmith.errors import BaseUnavailable
from tunesmith.settings import NANO


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_base(tmp_path / "tiny", CHATML)


def base(name: str, path: Path = Path("/models")) -> Base:
    return Base(name, path / name, 100, 10, 8, "llama", True, (2,), "0" * 64)


# -- folders


def test_nano_is_described_by_its_own_files() -> None:
    nano = read_base(NANO)
    assert (nano.id, nano.path, nano.context_length, nano.hidden_size) == ("nano", NANO, 2048, 256)
    assert (nano.model_type, nano.is_chat, nano.eos_token_ids) == ("qwen3", True, (2, 0))
    assert 5_000_000 < nano.n_parameters < 6_000_000 and len(nano.digest) == 64


def test_a_folder_is_described_without_torch_or_transformers(folder: Path) -> None:
    import subprocess
    import sys

    code = (
        f"import sys; from tunesmith.data import base; base.read_base({str(folder)!r}); print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "transformers", "huggingface_hub", "numpy"} & set(loaded)


def test_the_tokenizers_limit_caps_the_context(folder: Path) -> None:
    assert read_base(folder).context_length == 512  # its model_max_length of 1e30 says nothing
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "model_max_length": 300}))
    other = folder.rename(folder.with_name("other"))
    assert read_base(other).context_length == 300


def test_a_multimodal_configuration_is_read_one_level_down(folder: Path) -> None:
    text = {"hidden_size": 64, "max_position_embeddings": 99}
    (folder / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": text}))
    assert read_base(folder).context_length == 99


def test_sharded_weights_are_counted_by_the_index(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    for i, shape in enumerate([(3, 4), (5,)]):
        write_safetensors(folder / f"model-{i}.safetensors", {f"w{i}": shape})
    write_safetensors(folder / "consolidated.safetensors", {"w": (1000,)})
    index = {"weight_map": {"w0": "model-0.safetensors", "w1": "model-1.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert read_base(folder).n_parameters == 17


def test_the_digest_follows_weights_tokenizer_and_template(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "digests.json"
    seen = {read_base(folder, cache=cache).digest}
    assert read_base(folder, cache=cache).digest in seen and read_base(folder).digest in seen
    (folder / "chat_template.jinja").write_text("other")
    seen.add(read_base(folder, cache=cache).digest)
    write_safetensors(folder / "model.safetensors", {"w": (7,)})
    seen.add(read_base(folder, cache=cache).digest)
    (folder / "README.md").write_text("not part of the model")
    seen.add(read_base(folder, cache=cache).digest)
    assert len(seen) == 3


def test_an_unchanged_file_is_not_read_again(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "digests.json"
    before = read_base(folder, cache=cache).digest
    weights = folder / "model.safetensors"
    stat = weights.stat()
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert read_base(folder, cache=cache).digest == before != read_base(folder).digest


@pytest.mark.parametrize("content", ["", "{", "[]", '{"x": 1}'])
def test_a_broken_cache_counts_as_empty(folder: Path, tmp_path: Path, content: str) -> None:
    cache = tmp_path / "digests.json"
    cache.write_text(content)
    assert read_base(folder, cache=cache).digest == read_base(folder).digest


def header(text: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if size is None else size) + text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "cut off"),
        (b"1234", "cut off"),
        (header(b"{}", 1 << 40), "no whole safetensors file"),
        (header(b"{}", 1 << 63), "no whole safetensors file"),
        (header(b"not json"), "not JSON"),
        (header(b"[" * 100_000), "not JSON"),
        (header(b"[]"), "describes no tensors"),
        (header(b'{"w": 3}'), "describes no tensors"),
        (header(b'{"w": {"dtype": "F32", "shape": [1]}}'), "describes no tensors"),
        (header(b'{"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}'), "describes no tensors"),
        (header(b'{"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}'), "describes no tensors"),
        (
            header(b'{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'),
            "cut off inside the tensor w",
        ),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "no whole safetensors file"),
    ],
)
def test_weights_that_cannot_be_sound_are_refused(folder: Path, data: bytes, says: str) -> None:
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(BaseUnavailable, match=says):
        read_base(folder)


@given(st.binary(max_size=100))
def test_any_header_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    from tunesmith.data.weights import count_parameters

    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    for content in (data, header(data)):
        path.write_bytes(content)
        try:
            assert count_parameters([path]) >= 0
        except BaseUnavailable as error:
            assert str(path) in error.message


def test_pickles_are_refused_with_a_sentence(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BaseUnavailable, match=r"pytorch_model\.bin, a pickle.*convert the model"):
        read_base(folder)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("config.json", "no config.json"),
        ("model.safetensors", "no weights"),
        ("tokenizer.json", "tokenizer.json"),
    ],
)
def test_a_missing_file_is_named(folder: Path, file: str, says: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BaseUnavailable, match=says):
        read_base(folder)


def test_a_missing_or_straying_shard_is_named(folder: Path) -> None:
    for name, says in [
        ("model-1.safetensors", "lacks model-1"),
        ("../model.safetensors", "outside its folder"),
    ]:
        index = {"weight_map": {"w": name}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(BaseUnavailable, match=says):
            read_base(folder)


@pytest.mark.parametrize("key", ["model_type", "hidden_size", "max_position_embeddings"])
def test_a_configuration_that_lacks_a_number_is_told_which(folder: Path, key: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config[key]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BaseUnavailable, match=key):
        read_base(folder)


@pytest.mark.parametrize("name", ["./absent", "/absent/folder", "a/b/c", "..", "name with spaces", ""])
def test_a_path_that_is_no_folder_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BaseUnavailable):
        read_base(name if name not in ("", "..") else tmp_path / "absent" / name)


def test_a_hub_without_network_is_told_with_the_repository(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BaseUnavailable, match="'some-org/some-model' was not downloaded: .*folder"):
        read_base("some-org/some-model")


# -- names


def test_openais_names_lead_to_the_default_base_under_their_dates() -> None:
    catalog = Catalog([base("nano"), base("qwen")])
    for name, wire in [
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4.1", "gpt-4.1-2025-04-14"),
        ("gpt-4", "gpt-4-0613"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-3.5-turbo-0613", "gpt-3.5-turbo-0613"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("davinci", "davinci"),
        ("babbage-002", "babbage-002"),
    ]:
        found = catalog.resolve(name)
        assert found is not None and (found.wire_name, found.base.id) == (wire, "nano")


def test_a_base_answers_to_its_own_name_and_unknown_names_to_none() -> None:
    catalog = Catalog([base("nano"), base("org/qwen")])
    found = catalog.resolve("org/qwen")
    assert found is not None and (found.wire_name, found.base.id) == ("org/qwen", "org/qwen")
    assert catalog.by_id("org/qwen") is found.base and catalog.default.id == "nano"
    assert catalog.resolve("gpt-5") is None and catalog.by_id("gpt-4o") is None


def test_an_operators_alias_wins_and_holds_for_the_dated_name() -> None:
    catalog = Catalog(
        [base("nano"), base("qwen")], {"gpt-4o-mini": "qwen", "mine": "qwen", "gpt-4o": "/models/qwen"}
    )
    for name, wire in [
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("mine", "mine"),
    ]:
        found = catalog.resolve(name)
        assert found is not None and (found.wire_name, found.base.id) == (wire, "qwen")
    other = catalog.resolve("gpt-4.1")
    assert other is not None and other.base.id == "nano"


def test_every_listed_name_resolves_and_stands_once() -> None:
    catalog = Catalog([base("nano"), base("qwen")], {"mine": "qwen"})
    listed = [found.wire_name for found in catalog.names()]
    assert len(listed) == len(set(listed)) and {
        "nano",
        "qwen",
        "mine",
        "gpt-4o-mini",
        "gpt-4o-mini-2024-07-18",
    } <= set(listed)
    assert all(catalog.resolve(found.wire_name).base == found.base for found in catalog.names())  # type: ignore[union-attr]


def test_an_alias_to_nowhere_and_two_bases_of_one_name_are_refused() -> None:
    with pytest.raises(BaseUnavailable, match="'mine' stands for 'absent'.*there is: nano"):
        Catalog([base("nano")], {"mine": "absent"})
    with pytest.raises(BaseUnavailable, match="both be called 'nano'"):
        Catalog([base("nano"), base("nano", Path("/other"))])
    with pytest.raises(BaseUnavailable):
        Catalog([])


def test_a_catalog_reads_bases_and_the_targets_of_aliases(folder: Path) -> None:
    catalog = Catalog.open([NANO], {"gpt-4o": str(folder)})
    assert [b.id for b in catalog.bases] == ["nano", "tiny"]
    found = catalog.resolve("gpt-4o")
    assert found is not None and found.base.id == "tiny"


def test_snapshots_of_short_names_are_names_too() -> None:
    assert all(aliases.snapshot(name) for name in aliases.all_names())
    assert aliases.snapshot("ft:gpt-4o") is None


# -- the nearest names


def test_a_guessed_tuned_name_finds_the_real_one() -> None:
    names = [found.wire_name for found in Catalog([base("nano")]).names()]
    real = "ft:gpt-3.5-turbo-0125:personal:airport:aB3dE5fG"
    assert (
        nearest("ft:gpt-3.5-turbo:org_id", [*names, "ft:gpt-4o-mini-2024-07-18:personal::x1y2z3w4", real])[0]
        == real
    )
    assert nearest("ft:gpt-3.5-turbo:org_id", names)[0] == "gpt-3.5-turbo"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("gpt-4o-mni", "gpt-4o-mini"), ("GPT-4o-mini", "gpt-4o-mini"), ("gpt4o", "gpt-4o"), ("nan", "nano")],
)
def test_a_misspelt_name_finds_the_right_one(asked: str, meant: str) -> None:
    assert nearest(asked, [found.wire_name for found in Catalog([base("nano")]).names()])[0] == meant


def test_what_resembles_nothing_finds_nothing_and_huge_names_cost_nothing() -> None:
    assert nearest("zzzzzzzz", ["gpt-4o", "nano"]) == []
    assert len(nearest("ft:" + "gpt-4o" * 100_000, [f"ft:gpt-4o:{i}" for i in range(50)])) <= 3
    assert nearest("", ["nano"]) == [] and nearest("ft:", ["ft:a:b"]) is not None
