"""Tiny random models of many families, as folders that load by path: weights, tokenizer, chat template.

Also used by the engine's tests. Weights are wider than a fresh model's, so that answers differ from
prompt to prompt; sliding windows are short, so that tests pass them.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import torch

from tunesmith.model.base import quiet_transformers

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_TEXT = [
    "What is the capital of France? Paris, as if everyone did not know that already.",
    "Who wrote Romeo and Juliet? Oh, just some guy named William Shakespeare. Ever heard of him?",
    "How far is the Moon? Around 384,400 kilometers. Give or take a few, like that really matters.",
    "system user assistant Marv is a factual chatbot that is also sarcastic.",
]
CONTEXT_LENGTH = 512

_COMMON = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": CONTEXT_LENGTH,
}
#: Family -> what its config differs in from the common one.
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"tie_word_embeddings": False},
    "qwen3": {"tie_word_embeddings": True},
    "mistral": {"sliding_window": 12},
    "gemma2": {"sliding_window": 12, "query_pre_attn_scalar": 16},
    "gemma3_text": {"num_hidden_layers": 3, "sliding_window": 12, "sliding_window_pattern": 2},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT_LENGTH},
    "gpt_neox": {"num_key_value_heads": 4, "head_dim": None},
    "gpt_oss": {"sliding_window": 12, "num_local_experts": 4, "num_experts_per_tok": 2},
    "granite": {"logits_scaling": 4.0},
    "qwen3_moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "stablelm": {},
    "falcon": {"head_dim": None, "new_decoder_architecture": False, "alibi": True, "multi_query": True},
    "bloom": {"n_layer": 2, "n_head": 4},
    "lfm2": {"layer_types": ["conv", "full_attention"], "block_multiple_of": 16},
}


@functools.cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXT, trainer)
    return tokenizer


def write_tokenizer(folder: Path) -> None:
    """tokenizer.json, tokenizer_config.json, chat_template.jinja; byte-level, turns end with `<|im_end|>`."""
    _tokenizer().save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": CONTEXT_LENGTH,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)


def tiny_model(
    folder: Path, family: str = "llama", *, seed: int = 0, dtype: str = "float32", **config: Any
) -> Path:
    """Saves a random model of `family` (any model type) and its tokenizer into `folder`, and gives it."""
    from transformers import AutoConfig, AutoModelForCausalLM

    with quiet_transformers():
        return _save(folder, family, seed, dtype, config, AutoConfig, AutoModelForCausalLM)


def _save(
    folder: Path, family: str, seed: int, dtype: str, config: dict[str, Any], configs: Any, models: Any
) -> Path:
    tokenizer = _tokenizer()
    eos = tokenizer.token_to_id("<|im_end|>")
    values = {**_COMMON, **FAMILIES.get(family, {}), **config}
    values = {name: value for name, value in values.items() if value is not None}
    model_config = configs.for_model(
        family,
        vocab_size=tokenizer.get_vocab_size(),
        eos_token_id=eos,
        bos_token_id=None,
        pad_token_id=tokenizer.token_to_id("<|endoftext|>"),
        **values,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = models.from_config(model_config)
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    folder.mkdir(parents=True, exist_ok=True)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    write_tokenizer(folder)
    return folder
