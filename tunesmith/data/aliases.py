"""OpenAI's model names: which short name stands for which dated snapshot.

A table and nothing else. Which weights answer to a name is decided by `data.base.Catalog`.
"""

from __future__ import annotations

#: Short names and the dated snapshots they stand for; a job and its tuned model carry the snapshot.
SNAPSHOTS = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-4": "gpt-4-0613",
    "gpt-4-32k": "gpt-4-32k-0613",
    "gpt-4-turbo": "gpt-4-turbo-2024-04-09",
    "gpt-4-turbo-preview": "gpt-4-0125-preview",
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
    "gpt-3.5-turbo-16k": "gpt-3.5-turbo-16k-0613",
    "gpt-3.5-turbo-instruct": "gpt-3.5-turbo-instruct-0914",
}

#: Names that resolve to themselves: older snapshots, and models that never had a date.
FIXED = (
    "gpt-4o-2024-05-13",
    "gpt-4o-2024-11-20",
    "chatgpt-4o-latest",
    "gpt-4-0314",
    "gpt-4-32k-0314",
    "gpt-4-1106-preview",
    "gpt-3.5-turbo-0301",
    "gpt-3.5-turbo-0613",
    "gpt-3.5-turbo-1106",
    "babbage-002",
    "davinci-002",
    "ada",
    "babbage",
    "curie",
    "davinci",
)

#: Names of embedding models. They are no chat models, so `snapshot` does not know them.
EMBEDDINGS = ("text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002")


def snapshot(name: str) -> str | None:
    """The dated name that `name` stands for, maybe itself; None when OpenAI has no such model."""
    if name in SNAPSHOTS:
        return SNAPSHOTS[name]
    return name if name in FIXED or name in SNAPSHOTS.values() else None


def all_names() -> list[str]:
    """Every name of OpenAI's, short ones first, each once."""
    return list(dict.fromkeys([*SNAPSHOTS, *SNAPSHOTS.values(), *FIXED]))
