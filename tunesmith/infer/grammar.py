"""Grammars: what a structured answer may look like, compiled once and followed token by token.

llguidance does the parsing (derivatives of regular expressions under an Earley parser); `structured.py`
writes the grammar, `grammar_check.py` tries it out in a process that may die of it, `sampling.py` applies the
masks. Compiling runs in threads of its own, so a slow schema stops nobody's stream. No torch here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import InvalidRequest
from tunesmith.infer.complaints import PARAM, cannot_enforce
from tunesmith.infer.grammar_check import GrammarChecker
from tunesmith.infer.lark import Vocabulary
from tunesmith.infer.structured import grammar_text, kind_of

log = logging.getLogger(__name__)

MAX_GRAMMAR_BYTES = 256 << 10
"""Size of a request's schema or grammar as JSON."""
MAX_GRAMMARS = 128
"""Compiled grammars that are kept."""
MASK_CPU_S = 0.25
"""Processor time of one mask; a grammar that takes longer would hold up all streams, so its answer ends."""
_COMPILING_THREADS = 2


class Matcher:
    """Where one answer stands in its grammar."""

    __slots__ = ("_ends", "_matcher", "done", "failure", "n_words")

    def __init__(self, matcher: LLMatcher, n_words: int, ends: Collection[int]) -> None:
        self._matcher = matcher
        self._ends = ends
        self.n_words = n_words
        """32-bit words of a mask."""
        self.done = False
        """The end token was taken: nothing may follow."""
        self.failure: str | None = None
        """Why the answer cannot go on, for its reader."""

    def fill(self, address: int, n_bytes: int) -> bool:
        """Write the bits of the tokens that may come next; False when the answer cannot go on."""
        started = time.thread_time()
        self._matcher.unsafe_compute_mask_ptr(address, n_bytes)
        if self._matcher.is_error():
            self.failure = cannot_enforce("grammar", self._matcher.get_error()).message
        elif time.thread_time() - started > MASK_CPU_S:
            self.failure = "The grammar takes too long to follow; make the schema or the expression simpler"
        return self.failure is None

    def take(self, token_id: int) -> bool:
        """Go on by a token that the mask allowed."""
        if not self._matcher.consume_token(token_id):
            self.failure = cannot_enforce("grammar", self._matcher.get_error()).message
            return False
        self.done = token_id in self._ends
        return True


class Grammar:
    """A compiled grammar; any number of answers may follow it at the same time."""

    def __init__(self, start: LLMatcher, tokenizer: LLTokenizer) -> None:
        self._start = start
        self._n_words = -(-tokenizer.vocab_size // 32)
        self._ends = frozenset(tokenizer.eos_tokens)

    def begin(self) -> Matcher:
        """At the grammar's beginning."""
        return Matcher(self._start.deep_copy(), self._n_words, self._ends)


class Grammars:
    """The grammars of one base's tokenizer. Any thread may call."""

    def __init__(self, folder: Path, *, n_vocab: int, eos_token_ids: Collection[int]) -> None:
        self._folder = folder
        self._n_vocab = n_vocab
        self._eos_token_ids = sorted(eos_token_ids)
        self._tokenizer: LLTokenizer | None = None
        self._vocabulary: Vocabulary | None = None
        self._tokenizer_lock = threading.Lock()
        self._checker = GrammarChecker(folder, n_vocab, self._eos_token_ids)
        self._lock = threading.Lock()
        self._compiled: OrderedDict[bytes, Grammar] = OrderedDict()
        self._compiling: dict[bytes, Future[Grammar]] = {}
        self._threads = ThreadPoolExecutor(_COMPILING_THREADS, thread_name_prefix="grammar")

    def warm_up(self) -> None:
        """Build the tokenizer's tree behind the start, so that the first structured answer does not wait."""
        self._threads.submit(self._warm_up)

    def _warm_up(self) -> None:
        try:
            self._vocabulary_and_tokenizer()
        except InvalidRequest as error:
            log.warning("structured answers are refused: %s", error.message)

    def compile(self, structured: Mapping[str, Any]) -> Future[Grammar]:
        """The grammar of vLLM's `structured_outputs`, at once when it was asked for before.

        The future raises InvalidRequest, with the feature that cannot be enforced.
        """
        asked = json.dumps(structured).encode()
        key = hashlib.sha256(asked).digest()
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
                found: Future[Grammar] = Future()
                found.set_result(self._compiled[key])
                return found
            if key not in self._compiling:
                self._compiling[key] = self._threads.submit(self._compile, key, structured, len(asked))
            return self._compiling[key]

    def close(self) -> None:
        """End the threads and the check's process."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._checker.close()

    def _compile(self, key: bytes, structured: Mapping[str, Any], size_bytes: int) -> Grammar:
        try:
            if size_bytes > MAX_GRAMMAR_BYTES:
                raise InvalidRequest(
                    f"structured_outputs is {size_bytes} bytes of JSON; at most {MAX_GRAMMAR_BYTES} are "
                    "allowed",
                    param=PARAM,
                )
            vocabulary, tokenizer = self._vocabulary_and_tokenizer()
            text = grammar_text(structured, vocabulary)
            if problem := self._checker.check(text):
                raise cannot_enforce(kind_of(structured), problem)
            start = LLMatcher(tokenizer, text, log_level=0, limits=parser_limits())
            start.compute_bitmask()  # the lexer's first states are kept, and copied with it
            grammar = Grammar(start, tokenizer)
            with self._lock:
                self._compiled[key] = grammar
                while len(self._compiled) > MAX_GRAMMARS:
                    self._compiled.popitem(last=False)
            return grammar
        finally:
            with self._lock:
                self._compiling.pop(key, None)

    def _vocabulary_and_tokenizer(self) -> tuple[Vocabulary, LLTokenizer]:
        with self._tokenizer_lock:
            if self._tokenizer is None or self._vocabulary is None:
                tokenizer = Tokenizer.load(self._folder)
                self._tokenizer = ll_tokenizer(tokenizer, self._n_vocab, self._eos_token_ids)
                self._vocabulary = Vocabulary.of(tokenizer, self._eos_token_ids)
            return self._vocabulary, self._tokenizer


def ll_tokenizer(tokenizer: Tokenizer, n_vocab: int, eos_token_ids: list[int]) -> LLTokenizer:
    """The tokenizer as llguidance wants it. Raises InvalidRequest for one that it cannot read."""
    try:
        return LLTokenizer(
            tokenizer.serialised(),
            n_vocab=max(n_vocab, tokenizer.vocab_size),
            eos_token=eos_token_ids or None,
        )
    except Exception as error:  # its Rust raises ValueError, and what else it meets
        raise InvalidRequest(
            "Structured answers are not available with this base: its tokenizer cannot be followed "
            f"({str(error).splitlines()[0]})",
            param=PARAM,
        ) from error


def parser_limits() -> LLParserLimits:
    """What one grammar may take. The defaults, but for wide objects, and for memory."""
    return LLParserLimits(max_items_in_row=8000, max_lexer_states=50_000, verbose_errors=False)
