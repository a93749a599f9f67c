"""The families of the gradient check and of the reference page, each as a tiny random model's config."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: Shorter than the longest examples, so that it matters.
WINDOW = 12


@dataclass(frozen=True)
class Family:
    """A family in one of its shapes; `config` is what differs from the tests' common sizes."""

    model_type: str
    config: dict[str, Any] = field(default_factory=dict)
    shape: str = ""
    packs: bool = True
    """Whether a packed row is right for it; the others must be found out and go one example at a time."""

    @property
    def name(self) -> str:
        """As the table says it."""
        return f"{self.model_type} ({self.shape})" if self.shape else self.model_type


def _windowed(model_type: str, **config: Any) -> Family:
    return Family(model_type, {"sliding_window": WINDOW, **config}, f"window {WINDOW}")


_MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
FAMILIES = (
    Family("llama"),
    Family("qwen2"),
    Family("qwen3"),
    Family("smollm3", {"no_rope_layers": [1, 0]}),
    Family("arcee"),
    Family("seed_oss"),
    Family("ernie4_5"),
    Family("hunyuan_v1_dense"),
    Family("nemotron"),
    Family("olmo2"),
    Family("gemma"),
    Family("glm4"),
    Family("starcoder2"),
    Family("phi"),
    Family("gpt_neox"),
    Family("gpt2"),
    Family("opt", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    Family("granite"),
    Family("cohere"),
    Family("stablelm"),
    Family("mistral", {"sliding_window": None}, "no window"),
    _windowed("mistral"),
    _windowed("phi3"),
    _windowed("qwen3", use_sliding_window=True, max_window_layers=0),
    _windowed("olmo3", layer_types=["sliding_attention", "full_attention"]),
    _windowed("cohere2", layer_types=["sliding_attention", "full_attention"]),
    _windowed("exaone4", sliding_window_pattern=2, layer_types=["sliding_attention", "full_attention"]),
    Family("gemma2", {}, f"window {WINDOW}, softcaps"),
    Family("gemma3_text", {}, f"window {WINDOW}"),
    Family(
        "gemma3n_text",
        {
            "num_hidden_layers": 2,
            "intermediate_size": [48, 48],
            "layer_types": ["sliding_attention", "full_attention"],
            "sliding_window": WINDOW,
            "num_kv_shared_layers": 0,
            "activation_sparsity_pattern": [0.5, 0.0],
            "hidden_size_per_layer_input": 8,
            "vocab_size_per_layer_input": 384,
            "laurel_rank": 4,
        },
        f"window {WINDOW}",
    ),
    Family("qwen3_moe"),
    Family("mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    Family("olmoe", {"num_experts": 4, "num_experts_per_tok": 2}),
    Family("qwen2_moe", {**_MOE, "shared_expert_intermediate_size": 24}, "shared expert"),
    Family("granitemoe", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    Family(
        "glm4_moe",
        {
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_group": 1,
            "topk_group": 1,
            "moe_intermediate_size": 16,
            "first_k_dense_replace": 1,
        },
        "dense layer first",
    ),
    Family("gpt_oss", {}, f"window {WINDOW}, sinks"),
    Family(
        "deepseek_v3",
        {
            "num_key_value_heads": 4,
            "kv_lora_rank": 16,
            "q_lora_rank": 16,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 8,
            "v_head_dim": 12,
            "head_dim": None,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_group": 1,
            "topk_group": 1,
            "moe_intermediate_size": 16,
            "first_k_dense_replace": 1,
        },
        "values narrower than keys",
    ),
    Family("falcon", packs=False),
    Family("bloom", packs=False),
    Family("mpt", {"d_model": 32, "n_heads": 4, "n_layers": 2, "expansion_ratio": 2}, packs=False),
    Family("lfm2", {}, "convolutions", packs=False),
    Family(
        "llama4_text",
        {
            "attention_chunk_size": 16,
            "layer_types": ["chunked_attention", "full_attention"],
            "num_local_experts": 2,
            "intermediate_size_mlp": 48,
        },
        "chunk 16",
        packs=False,
    ),
    Family(
        "qwen3_next",
        {
            **_MOE,
            "layer_types": ["linear_attention", "full_attention"],
            "linear_num_value_heads": 4,
            "linear_num_key_heads": 2,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
            "shared_expert_intermediate_size": 16,
        },
        "linear attention",
        packs=False,
    ),
    Family(
        "minimax",
        {
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "layer_types": ["linear_attention", "full_attention"],
            "block_size": 16,
        },
        "lightning attention",
        packs=False,
    ),
    Family(
        "falcon_h1",
        {
            "mamba_d_ssm": 64,
            "mamba_n_heads": 8,
            "mamba_d_head": 8,
            "mamba_d_state": 16,
            "mamba_n_groups": 1,
            "mamba_chunk_size": 16,
        },
        "attention beside a state space",
        packs=False,
    ),
    Family(
        "granitemoehybrid",
        {
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "layer_types": ["mamba", "attention"],
            "mamba_n_heads": 8,
            "mamba_d_head": 8,
            "mamba_d_state": 16,
            "mamba_n_groups": 1,
            "mamba_chunk_size": 16,
            "shared_intermediate_size": 24,
        },
        "state space, mixture",
        packs=False,
    ),
    Family(
        "mamba2",
        {"num_heads": 8, "head_dim": 8, "state_size": 16, "n_groups": 1, "chunk_size": 16},
        "state space",
        packs=False,
    ),
)
