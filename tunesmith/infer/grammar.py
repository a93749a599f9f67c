"""Grammars: what a structured answer may look like, compiled once and followed token by token.

llguidance does the parsing (derivatives of regular expressions under an Earley parser); `structured.py`
writes the grammar, `grammar_check.py` tries it out in a process that may die of it, `sampling.py` applies the
masks. Compiling runs in threads of its own, so a slow schema stops nobody's stream; `grammar_queue.py` says
whose is next. No torch here.
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
from copy import copy
from pathlib import Path
from typing import Any, TypeVar

from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import InvalidRequest
from tunesmith.infer.complaints import PARAM, cannot_enforce
from tunesmith.infer.grammar_check import GrammarChecker
from tunesmith.infer.grammar_queue import GrammarQueue
from tunesmith.infer.lark import Vocabulary
from tunesmith.infer.structured import grammar_text, kind_of

Kept = TypeVar("Kept")

log = logging.getLogger(__name__)

MAX_GRAMMAR_BYTES = 256 << 10
"""Size of a request's schema or grammar as JSON."""
MAX_GRAMMARS = 128
"""Compiled grammars that are kept."""
MAX_REFUSALS = 1024
"""Refused ones that are remembered, so that the same again costs nothing."""
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
        self._refused: OrderedDict[bytes, InvalidRequest] = OrderedDict()
        self._queue = GrammarQueue()
        self._threads = ThreadPoolExecutor(_COMPILING_THREADS, thread_name_prefix="grammar")

    def warm_up(self) -> None:
        """Build the tokenizer's tree behind the start, so that the first structured answer does not wait."""
        self._threads.submit(self._warm_up)

    def _warm_up(self) -> None:
        try:
            self._vocabulary_and_tokenizer()
        except InvalidRequest as error:
            log.warning("structured answers are refused: %s", error.message)

    @property
    def n_queued(self) -> int:
        """Grammars that wait for a thread."""
        with self._lock:
            return len(self._queue)

    def compile(self, structured: Mapping[str, Any], project: str | None = None) -> Future[Grammar]:
        """The grammar of vLLM's `structured_outputs`, at once when it was asked for before.

        The future raises InvalidRequest, with the feature that cannot be enforced; cancel it to wait no
        longer. Projects take turns. Raises EngineUnavailable when too many new ones wait.
        """
        asked = json.dumps(structured).encode()
        key = hashlib.sha256(asked).digest()
        answer: Future[Grammar] = Future()
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
                answer.set_result(self._compiled[key])
            elif key in self._refused:
                self._refused.move_to_end(key)
                answer.set_exception(copy(self._refused[key]))
            elif len(asked) > MAX_GRAMMAR_BYTES:
                answer.set_exception(
                    InvalidRequest(
                        f"structured_outputs is {len(asked)} bytes of JSON; at most {MAX_GRAMMAR_BYTES} are "
                        "allowed",
                        param=PARAM,
                    )
                )
            else:
                if self._queue.join(key, structured, project, answer):
                    self._threads.submit(self._compile_next)
                answer.add_done_callback(lambda one: self._leave(key, one))
        return answer

    def close(self) -> None:
        """End the threads and the check's process; who waits is cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            waiters = self._queue.waiters()
        for waiter in waiters:
            waiter.cancel()
        self._checker.close()

    def _leave(self, key: bytes, answer: Future[Grammar]) -> None:
        if answer.cancelled():
            with self._lock:
                self._queue.leave(key, answer)

    def _compile_next(self) -> None:
        with self._lock:
            job = self._queue.begin()
        if job is None:  # who asked has left
            return
        grammar: Grammar | None = None
        failure: BaseException | None = None
        try:
            grammar = self._compile(job.structured)
        except BaseException as error:  # a panic in Rust is no Exception
            failure = error
        with self._lock:
            waiters = self._queue.end(job)
            if grammar is not None:
                _keep(self._compiled, job.key, grammar, MAX_GRAMMARS)
            elif isinstance(failure, InvalidRequest):  # a copy: without the frames that it came through
                _keep(self._refused, job.key, copy(failure), MAX_REFUSALS)
        for waiter in waiters:
            if waiter.set_running_or_notify_cancel():
                if grammar is not None:
                    waiter.set_result(grammar)
                else:
                    waiter.set_exception(failure)

    def _compile(self, structured: Mapping[str, Any]) -> Grammar:
        vocabulary, tokenizer = self._vocabulary_and_tokenizer()
        text = grammar_text(structured, vocabulary)
        if problem := self._checker.check(text):
            raise cannot_enforce(kind_of(structured), problem)
        start = LLMatcher(tokenizer, text, log_level=0, limits=parser_limits())
        start.compute_bitmask()  # the lexer's first states are kept, and copied with it
        return Grammar(start, tokenizer)

    def _vocabulary_and_tokenizer(self) -> tuple[Vocabulary, LLTokenizer]:
        with self._tokenizer_lock:
            if self._tokenizer is None or self._vocabulary is None:
                tokenizer = Tokenizer.load(self._folder)
                self._tokenizer = ll_tokenizer(tokenizer, self._n_vocab, self._eos_token_ids)
                self._vocabulary = Vocabulary.of(tokenizer, self._eos_token_ids)
            return self._vocabulary, self._tokenizer


def _keep(kept: OrderedDict[bytes, Kept], key: bytes, value: Kept, most: int) -> None:
    """Without those that were not asked for longest, where they are too many."""
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)


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
