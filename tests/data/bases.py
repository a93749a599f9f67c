"""Tiny bases for tests: folders as the hub has them, with a trained tokenizer, one family's style of template
each.

The templates are written here in the manner of the families that they are named after, quirks included; the
weights are one tensor, for nothing in this room computes with them.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "What is the capital of France? Paris, as if everyone does not know that already.",
    "Who wrote Romeo and Juliet? Oh, just some guy named William Shakespeare.\n\n  Ever heard of him?",
    '{"name": "get_weather", "arguments": {"city": "Paris", "unit": "celsius"}}',
    "system user assistant model tool Response Instruction <think> </think> tool_call",
] * 3

CHATML = """{%- if tools %}
{{- '<|im_start|>system\\n# Tools\\n' }}
{%- for tool in tools %}{{- tool | tojson }}{{- '\\n' }}{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + (message.content or '') }}
{%- for call in message.tool_calls or [] %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""

# the last reply gets an empty reasoning block, earlier ones lose theirs
QWEN3 = """{%- set ns = namespace(last=-1) %}
{%- for m in messages %}{%- if m.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}
{%- for m in messages %}
{%- if m.role == 'assistant' %}
{%- set thought = '' %}{%- set said = m.content %}
{%- if '</think>' in m.content %}
{%- set thought = m.content.split('</think>')[0].split('<think>')[-1].strip('\\n') %}
{%- set said = m.content.split('</think>')[-1].lstrip('\\n') %}
{%- endif %}
{{- '<|im_start|>assistant\\n' }}
{%- if loop.index0 > ns.last and (loop.last or thought) %}
{{- '<think>\\n' + thought + '\\n</think>\\n\\n' }}
{%- endif %}
{{- said + '<|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""

LLAMA3 = """{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}
{%- set system = messages[0]['content'] | trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system = 'Be brief.' %}{%- endif %}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' + system + '<|eot_id|>' }}
{%- for message in messages %}
{%- if not (message.role == 'tool' or 'tool_calls' in message) %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
{{- message['content'] | trim + '<|eot_id|>' }}
{%- elif 'tool_calls' in message %}
{%- if message.tool_calls | length != 1 %}{{- raise_exception('One tool call at a time!') }}{%- endif %}
{%- set call = message.tool_calls[0].function %}
{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n{"name": "' + call.name + '", "parameters": ' }}
{{- call.arguments | tojson }}{{- '}<|eot_id|>' }}
{%- else %}
{{- '<|start_header_id|>ipython<|end_header_id|>\\n\\n' + message.content | tojson + '<|eot_id|>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"""

GEMMA = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}
{{ raise_exception('System role not supported') }}{% endif %}
{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}
{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}
{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}
{% endfor %}
{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"""

# tools stand before the last user message, so earlier turns are rendered otherwise once a later one is there
MISTRAL = """{{- bos_token }}
{%- for message in messages %}
{%- if message['role'] == 'user' %}
{%- if tools is not none and (messages | selectattr('role', 'equalto', 'user') | list | last) == message %}
{{- '[AVAILABLE_TOOLS] ' + tools | tojson + '[/AVAILABLE_TOOLS]' }}
{%- endif %}
{{- '[INST] ' + message['content'] + '[/INST]' }}
{%- elif message['role'] == 'assistant' and message['tool_calls'] %}
{{- '[TOOL_CALLS] [' }}
{%- for call in message['tool_calls'] %}
{{- call['function'] | tojson }}{%- if not loop.last %}{{- ', ' }}{%- endif %}{%- endfor %}
{{- ']' + eos_token }}
{%- elif message['role'] == 'assistant' %}
{{- ' ' + message['content'] + eos_token }}
{%- elif message['role'] == 'tool' %}
{{- '[TOOL_RESULTS] ' + message['content'] + '[/TOOL_RESULTS]' }}
{%- else %}{{- message['content'] + '\\n\\n' }}
{%- endif %}
{%- endfor %}"""

# the generation prompt opens a reasoning block that no rendered reply has
REASONER = """{{- bos_token }}{%- for m in messages %}
{%- if m.role == 'assistant' %}{{- '<|Assistant|>' + m.content.split('</think>')[-1] + '<|eot|>' }}
{%- else %}{{- '<|User|>' + m.content }}{%- endif %}
{%- endfor %}{%- if add_generation_prompt %}{{- '<|Assistant|><think>\\n' }}{%- endif %}"""

# no special token anywhere
PLAIN = """{% for m in messages %}
{{ '### ' + ('Response' if m.role == 'assistant' else 'Instruction') + ':\\n' }}
{{- m.content + '\\n\\n' }}{% endfor %}
{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}"""

# two tags in one turn, and the end-of-turn token outside them
TAGGED = """{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}
{%- if m.role == 'assistant' %}
{%- generation %}{{- m.content[:3] }}{%- endgeneration %}
{%- if m.content[3:] %}{%- generation %}{{- m.content[3:] }}{%- endgeneration %}{%- endif %}
{%- else %}{{- m.content }}{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""

SPECIAL = [
    "<unk>",
    "<s>",
    "</s>",
    "<|im_start|>",
    "<|im_end|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "<|User|>",
    "<|Assistant|>",
    "<|eot|>",
]

TEMPLATES = {
    "chatml": (CHATML, "<|im_end|>"),
    "qwen3": (QWEN3, "<|im_end|>"),
    "llama3": (LLAMA3, "<|eot_id|>"),
    "gemma": (GEMMA, "<end_of_turn>"),
    "mistral": (MISTRAL, "</s>"),
    "reasoner": (REASONER, "<|eot|>"),
    "plain": (PLAIN, "</s>"),
    "tagged": (TAGGED, "<|im_end|>"),
}


#: How Llama 3 and Qwen cut a text into words: a run of line breaks is a piece of its own.
WORDS = tokenizers.Regex(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level_tokenizer(*, gpt2: bool = False) -> tokenizers.Tokenizer:
    """Llama 3's kind, or GPT-2's, which splits a run of line breaks before a word; `<s>` begins a text."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    words = pre_tokenizers.Split(WORDS, "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*([] if gpt2 else [words]), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=gpt2)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return _with_bos(tokenizer)


def sentencepiece_tokenizer() -> tokenizers.Tokenizer:
    """Llama 2's kind: a space before the first word, `▁` for spaces, bytes as `<0x0A>`."""
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=[*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    serialised = json.loads(tokenizer.to_str())
    serialised["added_tokens"] = [t for t in serialised["added_tokens"] if not t["content"].startswith("<0x")]
    return _with_bos(tokenizers.Tokenizer.from_str(json.dumps(serialised)))


def _with_bos(tokenizer: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return tokenizer


def write_safetensors(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """A sound safetensors file of zeros in bf16."""
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 2
        for n in shape:
            size *= n
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(offset))


def write_base(
    folder: Path,
    template: str | None,
    eos_token: str = "</s>",
    tokenizer: tokenizers.Tokenizer | None = None,
    **config: object,
) -> Path:
    """A base folder as the hub has it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer or byte_level_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": eos_token,
        "unk_token": "<unk>",
        "model_max_length": 1e30,
        "clean_up_tokenization_spaces": False,
    }
    if template is not None:
        about["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    given = {
        "model_type": "llama",
        "hidden_size": 64,
        "max_position_embeddings": 512,
        "eos_token_id": 2,
        **config,
    }
    (folder / "config.json").write_text(json.dumps(given))
    write_safetensors(
        folder / "model.safetensors", {"model.embed_tokens.weight": (10, 64), "lm_head.weight": (10, 64)}
    )
    return folder
