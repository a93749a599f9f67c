"""Prompts that begin alike are read once: keys and values of finished beginnings, kept in pages of 64 tokens.

A page is known by the page before it and its own tokens, so conversations that part share what they have in
common. Keys and values depend on the tokens before them and on the weights alone, so an answer over copied
ones is the answer without. Pages are copies beside the engine's cache: sequences keep their contiguous
blocks, which attention over a batch wants, and a copy costs little beside the computing that it spares.

Adapters have prefixes of their own, and so has each salt (the office gives the project's id): nobody learns
from `cached_tokens` what others asked. Engine's thread only.
"""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import torch

from tunesmith.infer.sequence import Sequence
from tunesmith.model.cached_attention import CachedAttention

PAGE_TOKENS = 64


@dataclass(frozen=True, eq=False, slots=True)
class Page:
    """Keys and values of 64 tokens, layer by layer."""

    number: int
    parts: list[torch.Tensor]


class PrefixCache:
    """The pages of one engine."""

    def __init__(self, attention: CachedAttention, max_pages: int) -> None:
        self._attention = attention
        self._max_pages = max_pages
        self._pages: OrderedDict[Hashable, Page] = OrderedDict()
        self._numbers = itertools.count()

    @property
    def n_tokens(self) -> int:
        """Tokens in the pages."""
        return PAGE_TOKENS * len(self._pages)

    def beginning(self, sequence: Sequence) -> Hashable | None:
        """What its first page is called; None where the prompt has no page to share, or must be computed."""
        params = sequence.params
        if sequence.n_prompt <= PAGE_TOKENS or params.prompt_logprobs is not None or params.embed:
            return None
        return next(self._keys(sequence, PAGE_TOKENS))

    def reuse(self, sequence: Sequence) -> None:
        """Copy what is known of the prompt to the sequence's block; at least one token is left to compute."""
        if self.beginning(sequence) is None or sequence.block is None:
            return
        pages = [page for _, page in self._known(sequence, sequence.n_prompt - 1)]
        if not pages:
            return
        parts = [torch.cat(layer, dim=1) for layer in zip(*(page.parts for page in pages), strict=True)]
        self._attention.write(sequence.block.start, parts)
        sequence.n_cached = sequence.n_reused = PAGE_TOKENS * len(pages)

    def keep(self, sequence: Sequence) -> None:
        """Copy the pages of a sequence that are computed and not known yet."""
        n_tokens = min(sequence.n_cached, PAGE_TOKENS * self._max_pages)
        if sequence.block is None or sequence.n_kept + PAGE_TOKENS > n_tokens:
            return
        path: list[Hashable] = []
        for i, key in enumerate(self._keys(sequence, n_tokens)):
            if key not in self._pages:
                start = sequence.block.start + i * PAGE_TOKENS
                self._pages[key] = Page(next(self._numbers), self._attention.read(start, PAGE_TOKENS))
            path.append(key)
        sequence.n_kept = PAGE_TOKENS * len(path)
        self._touch(path)
        while len(self._pages) > self._max_pages:
            self._pages.popitem(last=False)

    def _known(self, sequence: Sequence, n_tokens: int) -> list[tuple[Hashable, Page]]:
        found = []
        for key in self._keys(sequence, n_tokens):
            page = self._pages.get(key)
            if page is None:
                break
            found.append((key, page))
        self._touch([key for key, _ in found])
        return found

    def _keys(self, sequence: Sequence, n_tokens: int) -> Iterator[Hashable]:
        """The keys of the whole pages in the first `n_tokens`; ends after the first that is not there when it
        is asked for the next."""
        # a weak reference: pages must not keep an unloaded adapter's matrices alive
        adapter = None if sequence.adapter is None else weakref.ref(sequence.adapter)
        before: Hashable = (adapter, sequence.params.cache_salt)
        for start in range(0, n_tokens - PAGE_TOKENS + 1, PAGE_TOKENS):
            key = before, tuple(sequence.token_ids[start : start + PAGE_TOKENS])
            yield key
            page = self._pages.get(key)
            if page is None:
                return
            before = page.number

    def _touch(self, path: list[Hashable]) -> None:
        """The beginning is the last to go: without it, what follows cannot be found."""
        for key in reversed(path):
            self._pages.move_to_end(key)
