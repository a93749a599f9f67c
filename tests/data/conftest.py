"""Fixtures of the data room: tiny bases of several families, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.bases import TEMPLATES, byte_level_tokenizer, sentencepiece_tokenizer, write_base


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by name: each template with a byte-level tokenizer, `<name>-sp` with a SentencePiece one."""
    folder = tmp_path_factory.mktemp("families")
    kinds = {"": byte_level_tokenizer(), "-sp": sentencepiece_tokenizer()}
    return {
        name + suffix: write_base(folder / (name + suffix), template, eos, tokenizer)
        for name, (template, eos) in TEMPLATES.items()
        for suffix, tokenizer in kinds.items()
    }


@pytest.fixture(scope="session")
def raw_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base without a chat template."""
    return write_base(tmp_path_factory.mktemp("raw") / "raw", None)
