"""The refusal of a model's name that means nothing here, with the names that resemble it."""

from __future__ import annotations

from collections.abc import Iterable

from tunesmith.data.aliases import EMBEDDINGS
from tunesmith.data.base import nearest
from tunesmith.errors import ModelNotFound

#: More of a name than this is not repeated in a sentence.
MAX_SHOWN_CHARS = 200


def unknown_model(name: str, known: Iterable[str]) -> ModelNotFound:
    """OpenAI's 404, and what to do: the nearest of the `known` names, or how a base comes to be served."""
    if name in EMBEDDINGS:
        return ModelNotFound(
            f"The model `{name}` makes embeddings: ask POST /v1/embeddings. It neither answers prompts nor "
            "can be fine-tuned; use a name like `gpt-4o-mini` for that.",
            param="model",
        )
    shown = name[:MAX_SHOWN_CHARS]
    sentence = f"The model `{shown}` does not exist or you do not have access to it."
    near = [f"`{candidate}`" for candidate in nearest(name, known)]
    if near:
        sentence += f" Did you mean {', '.join(near[:-1])}{' or ' if near[:-1] else ''}{near[-1]}?"
    if "/" in name and not name.startswith("ft:"):
        sentence += (
            " To serve a base model by its hub id or folder, start the server with --base-model naming it."
        )
    return ModelNotFound(sentence, param="model")
