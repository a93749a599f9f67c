"""Errors of allocators, in torch's many spellings, become one OutOfMemory that says what to lower."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from tunesmith.errors import OutOfMemory

#: What torch's CPU allocator and CUDA's libraries say in a plain RuntimeError.
_SPELLINGS = ("can't allocate memory", "not enough memory", "out of memory", "alloc_failed", "std::bad_alloc")


@contextmanager
def named_memory_errors(sentence: Callable[[], str]) -> Iterator[None]:
    """Within it an allocation that fails raises OutOfMemory with `sentence()`, made when it is needed."""
    errors = (MemoryError, torch.OutOfMemoryError)  # a run may be left until torch itself is being unloaded
    try:
        yield
    except errors as error:
        raise OutOfMemory(sentence()) from error
    except RuntimeError as error:
        if any(spelling in str(error).lower() for spelling in _SPELLINGS):
            raise OutOfMemory(sentence()) from error
        raise


def no_room_for_model(folder: object, device: object) -> str:
    """The sentence for a model that does not fit by itself."""
    return (
        f"The device {device} has no room for the base model {folder}; choose a smaller base, or free memory"
    )


def no_room_for_batch(
    *, batch_size: int, longest: int, at_once: int, recomputes: bool, model: str, device: str
) -> str:
    """The sentence for a batch that does not fit. `at_once` is the tokens that one forward pass may have,
    `recomputes` whether activation checkpointing is on."""
    together = min(batch_size, at_once // longest)
    if together > 1:
        remedy = f"set batch_size to {together // 2}, or shorten the longest examples"
    else:  # the batch is split already, so fewer examples per step would not help
        remedy = "shorten the longest examples, or choose a smaller base"
        if not recomputes:
            remedy = f"set gradient_checkpointing, {remedy}"
    return (
        f"The device {device} has no room for a batch of {batch_size} examples of up to {longest:,} tokens "
        f"on {model}; {remedy}"
    )
