"""The training benchmark's models and files: random weights, a word-level tokenizer, JSONL of fixed seeds.

Everything is written to a folder, so that the product reads what a user would give it and the peers read
the same. Each word is one token, and each turn costs the three tokens of its frame, so a row's length is
known before any tokenizer sees it. What is timed is `train_throughput.py`'s.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

#: Shapes of Qwen3 models: `s` is cheap to run beside slow peers, `q` has a real vocabulary, `t` is for tests.
SIZES: dict[str, dict[str, int]] = {
    "s": {
        "hidden_size": 512,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 64,
        "intermediate_size": 1536,
        "vocab_size": 32_000,
    },
    "q": {
        "hidden_size": 1024,
        "num_hidden_layers": 8,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 3072,
        "vocab_size": 151_936,
    },
    "t": {
        "hidden_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "intermediate_size": 320,
        "vocab_size": 1_000,
    },
}
CONTEXT_LENGTH = 40_960
#: The first tokens of the vocabulary; the others are w0, w1, ... A name that occurred inside another would
#: split it, as special tokens are cut out of the text first.
SPECIAL_TOKENS = ("<|pad|>", "<|unknown|>", "<|im_start|>", "<|im_end|>")
ROLES = ("system", "user", "assistant")
CHAT_TEMPLATE = (
    "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\n' }}"
    "{%- if m.role == 'assistant' -%}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}"
    "{%- else -%}{{ m.content + '<|im_end|>' }}{%- endif -%}{{ '\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
RANK, LORA_ALPHA = 16, 32
TARGET_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Recipe:
    """What all trainers of one workload are told alike; `run.json` in its folder."""

    workload: str
    size: str
    """A key of SIZES."""
    method: Literal["supervised", "dpo"]
    batch_size: int
    """Examples (pairs, with dpo) of an optimizer step."""
    n_steps: int
    """Steps in the file: one epoch. The learning rate falls linearly to zero over them."""
    seed: int = 0
    learning_rate: float = 1e-4
    adam_beta1: float = 0.9
    adam_beta2: float = 0.99
    adam_epsilon: float = 1e-8
    max_grad_norm: float = 1.0
    beta: float = 0.1
    """DPO's."""

    @staticmethod
    def read(folder: Path) -> Recipe:
        """The recipe of a prepared folder."""
        return Recipe(**json.loads((folder / "run.json").read_text(encoding="utf-8")))


#: Token ids, and for each 1 where it is under the loss and 0 elsewhere.
MaskedIds = tuple[list[int], list[int]]
Words = Callable[[int], str]
Row = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """A kind of training file."""

    name: str
    what: str
    """For the table."""
    recipe: Recipe
    shared_system: int
    """Tokens of the system turn that all rows begin with; 0 for none."""
    make_row: Callable[[random.Random, Words, str], Row]
    """(random source, maker of n words, words of the system turn) -> one line of the file."""

    def rows(self, n_rows: int) -> list[Row]:
        """The first `n_rows` rows, the same on every machine."""
        rng = random.Random(f"{self.name} {self.recipe.seed}")
        n_words = SIZES[self.recipe.size]["vocab_size"] - len(SPECIAL_TOKENS) - len(ROLES)

        def words(n: int) -> str:  # the cube makes low numbers frequent, much as words are
            return " ".join(f"w{int(n_words * rng.random() ** 3)}" for _ in range(n))

        system = words(self.shared_system - 3) if self.shared_system else ""
        return [self.make_row(rng, words, system) for _ in range(n_rows)]

    def at(self, size: str, *, batch_size: int | None = None, n_steps: int | None = None) -> Workload:
        """The same with another model, batch or number of steps."""
        recipe = replace(
            self.recipe,
            size=size,
            batch_size=batch_size or self.recipe.batch_size,
            n_steps=n_steps or self.recipe.n_steps,
        )
        return replace(self, recipe=recipe)


def _turns(system: str, user: str) -> list[dict[str, str]]:
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": user}]


def _chat(words: Words, system: str, n_user: int, n_reply: int) -> Row:
    """`n_user` tokens up to where the reply begins, `n_reply` with its end token."""
    user, reply = words(n_user - 5), words(n_reply - 1)
    return {"messages": [*_turns(system, user), {"role": "assistant", "content": reply}]}


def _short_chats(rng: random.Random, words: Words, system: str) -> Row:
    return _chat(words, system, rng.randint(20, 60), rng.randint(30, 150))


def _long_context(rng: random.Random, words: Words, system: str) -> Row:
    return _chat(words, system, 150, 250)


def _mixed_lengths(rng: random.Random, words: Words, system: str) -> Row:
    length = int(30 * 50 ** rng.random())
    reply = max(5, int(length * rng.uniform(0.2, 0.6)))
    return _chat(words, system, length - reply, reply)


def _preferences(rng: random.Random, words: Words, system: str) -> Row:
    row: Row = {"input": {"messages": _turns(system, words(100 - 5))}}
    for key in ("preferred_output", "non_preferred_output"):
        row[key] = [{"role": "assistant", "content": words(rng.randint(60, 200) - 1)}]
    return row


WORKLOADS: dict[str, Workload] = {
    w.name: w
    for w in (
        Workload(
            "W1", "16 chats, one system prompt", Recipe("W1", "s", "supervised", 16, 7), 150, _short_chats
        ),
        Workload(
            "W2", "8 chats, one long context", Recipe("W2", "s", "supervised", 8, 5), 1500, _long_context
        ),
        Workload("W3", "4 preference pairs", Recipe("W3", "s", "dpo", 4, 7), 200, _preferences),
        Workload("W4", "8 chats, nothing shared", Recipe("W4", "s", "supervised", 8, 7), 0, _mixed_lengths),
        Workload(
            "W1q",
            "4 chats of W1, vocabulary 151,936",
            Recipe("W1q", "q", "supervised", 4, 6),
            150,
            _short_chats,
        ),
    )
}


def prepare(folder: Path, workload: Workload) -> None:
    """Writes base, training file, the same rows in the order of our seed, starting adapter, and recipe."""
    from tunesmith.train.batches import epoch_order

    recipe = workload.recipe
    folder.mkdir(parents=True)
    write_base(folder / "base", recipe.size)
    rows = workload.rows(recipe.batch_size * recipe.n_steps)
    _write_jsonl(folder / "rows.jsonl", rows)
    # the peers know nothing of our shuffle: they take this file from its first line to its last
    order = epoch_order(len(rows), seed=recipe.seed, epoch=1)
    _write_jsonl(folder / "in_our_order.jsonl", [rows[i] for i in order])
    sizes = _sizes(folder, recipe.batch_size)
    (folder / "sizes.json").write_text(json.dumps(sizes), encoding="utf-8")
    _write_adapter(folder / "adapter", folder / "base", recipe.seed)
    (folder / "run.json").write_text(json.dumps(asdict(recipe)), encoding="utf-8")


def write_base(folder: Path, size: str) -> None:
    """A random bf16 Qwen3 of the size, with tokenizer and chat template."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from tunesmith.model.base import quiet_transformers

    end = SPECIAL_TOKENS.index("<|im_end|>")
    config = Qwen3Config(
        **SIZES[size],
        max_position_embeddings=CONTEXT_LENGTH,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(0)
        Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    _write_tokenizer(folder, SIZES[size]["vocab_size"])


def _write_tokenizer(folder: Path, vocab_size: int) -> None:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    named = [*SPECIAL_TOKENS, *ROLES]
    names = [*named, *(f"w{i}" for i in range(vocab_size - len(named)))]
    vocabulary = {name: i for i, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<|unknown|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL_TOKENS])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|pad|>",
        "unk_token": "<|unknown|>",
        "model_max_length": CONTEXT_LENGTH,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def rendered_rows(base: Path, file: Path) -> list[list[MaskedIds]]:
    """The sequences that our renderer makes of each row of a file: one, or two of a pair."""
    from tunesmith.data.chat_template import Renderer
    from tunesmith.data.examples import PreferenceExample
    from tunesmith.data.jsonl import read_examples

    renderer = Renderer.load(base)
    rows = []
    for example in read_examples(file):
        both = (
            renderer.pair(example) if isinstance(example, PreferenceExample) else (renderer.example(example),)
        )
        rows.append([(one.input_ids, [int(weight > 0) for weight in one.weights]) for one in both])
    return rows


def rendered(folder: Path, batch_size: int) -> list[list[MaskedIds]]:
    """The sequences of each step's rows, in our order."""
    rows = rendered_rows(folder / "base", folder / "in_our_order.jsonl")
    return [[one for row in rows[i : i + batch_size] for one in row] for i in range(0, len(rows), batch_size)]


def _sizes(folder: Path, batch_size: int) -> list[list[tuple[int, int]]]:
    """Tokens and target tokens of each sequence of each step: `sizes.json`."""
    return [[(len(ids), sum(mask)) for ids, mask in step] for step in rendered(folder, batch_size)]


def useful_flops(size: str, sequences: Sequence[Sequence[int]], *, reference: bool) -> int:
    """Operations that a LoRA step needs when nothing is shared: [tokens, targets] of each sequence.

    Forward, gradients of the activations through the frozen layers, both for LoRA, causal attention, and
    the head at targets only; with `reference` one more forward without LoRA.
    """
    c = SIZES[size]
    d, ffn, layers, vocab = (
        c[name] for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
    )
    q, kv = (c[f"num_{name}_heads"] * c["head_dim"] for name in ("attention", "key_value"))
    shapes = [(d, q), (d, kv), (d, kv), (q, d), (d, ffn), (d, ffn), (ffn, d)]
    frozen = layers * sum(i * o for i, o in shapes)
    lora = layers * sum(RANK * (i + o) for i, o in shapes)
    total = 0
    for n_tokens, n_targets in sequences:
        linear = 2 * frozen * n_tokens + 2 * vocab * d * n_targets
        attention = 2 * layers * n_tokens**2 * q  # half of both products: the other half is masked
        total += 2 * linear + 3 * attention + 3 * 2 * lora * n_tokens
        total += (linear + attention) * reference
    return total


def _write_adapter(folder: Path, base: Path, seed: int) -> None:
    """The adapter that our run of this seed starts from, for the peers: equal starts, equal losses."""
    from tunesmith.model.adapter import write_adapter
    from tunesmith.model.base import load_model
    from tunesmith.model.lora import add_lora

    model = load_model(base, dtype="bfloat16", device="cpu")
    stack = add_lora(model, r=RANK, lora_alpha=LORA_ALPHA, target_modules=list(TARGET_MODULES))
    stack.initialize(seed)
    write_adapter(folder, stack.state())


def _write_jsonl(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a workload's folder.")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=SIZES)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--n-steps", type=int)
    options = parser.parse_args()
    workload = WORKLOADS[options.workload]
    size = options.size or workload.recipe.size
    prepare(options.folder, workload.at(size, batch_size=options.batch_size, n_steps=options.n_steps))


if __name__ == "__main__":
    main()
