"""The training forward pass: Qwen3 written out for short rows on a CPU.

Same computation as transformers' Qwen3ForCausalLM (a test compares them), but with an explicit attention
that beats the CPU flash kernel at these lengths, and with the head at learned positions only.

Shapes: B rows, L tokens, D model width, H query heads, K key/value heads, E head width.
"""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Shape:
    """The sizes of the model."""

    vocab: int = 4096
    width: int = 256
    layers: int = 6
    ffn: int = 704
    heads: int = 4
    kv_heads: int = 2
    head_width: int = 64
    context: int = 2048
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6

    def hf_config(self) -> dict:
        """config.json of the model in transformers."""
        return {
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": "qwen3",
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "intermediate_size": self.ffn,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_width,
            "vocab_size": self.vocab,
            "tie_word_embeddings": True,
            "hidden_act": "silu",
            "max_position_embeddings": self.context,
            "rms_norm_eps": self.norm_eps,
            "rope_theta": self.rope_theta,
            "attention_bias": False,
            "attention_dropout": 0.0,
            "use_sliding_window": False,
            "sliding_window": None,
            "max_window_layers": self.layers,
            "initializer_range": 0.02,
            "use_cache": True,
            "bos_token_id": None,
            "eos_token_id": 2,
            "pad_token_id": 0,
            "dtype": "bfloat16",
        }

    def as_dict(self) -> dict:
        """The sizes, for a checkpoint."""
        return asdict(self)


def initial_weights(shape: Shape, seed: int) -> dict[str, torch.Tensor]:
    """fp32 weights under the names that transformers uses."""
    generator = torch.Generator().manual_seed(seed)
    width, spread = shape.width, 0.7 / math.sqrt(shape.width)
    into_stream = 0.3 / math.sqrt(shape.width * shape.layers)

    def normal(rows: int, columns: int, std: float) -> torch.Tensor:
        return torch.randn(rows, columns, generator=generator) * std

    weights = {"model.embed_tokens.weight": normal(shape.vocab, width, 0.02)}
    queries, keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    for layer in range(shape.layers):
        prefix = f"model.layers.{layer}."
        weights |= {
            prefix + "self_attn.q_proj.weight": normal(queries, width, spread),
            prefix + "self_attn.k_proj.weight": normal(keys, width, spread),
            prefix + "self_attn.v_proj.weight": normal(keys, width, spread),
            prefix + "self_attn.o_proj.weight": normal(width, queries, into_stream),
            prefix + "mlp.gate_proj.weight": normal(shape.ffn, width, spread),
            prefix + "mlp.up_proj.weight": normal(shape.ffn, width, spread),
            prefix + "mlp.down_proj.weight": normal(width, shape.ffn, into_stream),
            prefix + "input_layernorm.weight": torch.ones(width),
            prefix + "post_attention_layernorm.weight": torch.ones(width),
            prefix + "self_attn.q_norm.weight": torch.ones(shape.head_width),
            prefix + "self_attn.k_norm.weight": torch.ones(shape.head_width),
        }
    return weights | {"model.norm.weight": torch.ones(width)}


def _rms(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    y = x.float()
    return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


def _add_rms(
    x: torch.Tensor, h: torch.Tensor, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    x = x + h
    return x, _rms(x, weight, eps)


def _norm_and_rotate(
    x_BLHE: torch.Tensor, weight: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, eps: float
) -> torch.Tensor:
    y = x_BLHE.float()
    y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + eps) * weight
    left, right = y.chunk(2, -1)
    return torch.cat([left * cos - right * sin, right * cos + left * sin], -1).to(x_BLHE.dtype)


def _swiglu(gate_up: torch.Tensor) -> torch.Tensor:
    gate, up = gate_up.chunk(2, -1)
    gate = gate.float()
    return (gate * torch.sigmoid(gate) * up.float()).to(gate_up.dtype)


def _masked_softmax(scores: torch.Tensor, mask: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.softmax(scores.float() * scale + mask, -1).to(scores.dtype)


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    z = logits.float()
    return torch.logsumexp(z, -1) - z.gather(1, labels[:, None])[:, 0]


class Network:
    """The forward pass over a dict of weights; `compiled` fuses the pointwise parts."""

    def __init__(self, shape: Shape, weights: dict[str, torch.Tensor], compiled: bool = True):
        self.shape, self.weights = shape, weights
        fused = torch.compile(dynamic=True) if compiled else lambda function: function
        self.rms, self.add_rms, self.rotate = fused(_rms), fused(_add_rms), fused(_norm_and_rotate)
        self.swiglu, self.softmax, self.cross_entropy = (
            fused(_swiglu),
            fused(_masked_softmax),
            fused(_cross_entropy),
        )
        steps = torch.arange(0, shape.head_width, 2).float() / shape.head_width
        angles = torch.outer(torch.arange(shape.context).float(), 1.0 / shape.rope_theta**steps)
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((shape.context, shape.context), float("-inf")).triu(1)

    def _attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Causal attention; the query heads of one key head lie in a row, so that bmm does all at once."""
        B, L = q.shape[:2]
        K, E = self.shape.kv_heads, self.shape.head_width
        G = self.shape.heads // K
        queries = q.view(B, L, K, G, E).permute(0, 2, 3, 1, 4).reshape(B * K, G * L, E)
        keys, values = (t.transpose(1, 2).reshape(B * K, L, E) for t in (k, v))
        scores = torch.bmm(queries, keys.transpose(1, 2)).view(B * K, G, L, L)
        shares = self.softmax(scores, self.mask[:L, :L], E**-0.5).view(B * K, G * L, L)
        return torch.bmm(shares, values).view(B, K, G, L, E).permute(0, 3, 1, 2, 4).reshape(B, L, K * G * E)

    def hidden(self, ids_BL: torch.Tensor) -> torch.Tensor:
        """The final normed hidden states (B, L, D)."""
        shape, weights, eps = self.shape, self.weights, self.shape.norm_eps
        B, L = ids_BL.shape
        H, K, E = shape.heads, shape.kv_heads, shape.head_width
        cos, sin = self.cos[:L, None, :], self.sin[:L, None, :]
        stream = F.embedding(ids_BL, weights["model.embed_tokens.weight"])
        normed = self.rms(stream, weights["model.layers.0.input_layernorm.weight"], eps)
        for layer in range(shape.layers):
            prefix = f"model.layers.{layer}."
            joined = torch.cat([weights[f"{prefix}self_attn.{name}_proj.weight"] for name in "qkv"])
            qkv = F.linear(normed, joined).view(B, L, H + 2 * K, E)
            q = self.rotate(qkv[:, :, :H], weights[prefix + "self_attn.q_norm.weight"], cos, sin, eps)
            k = self.rotate(qkv[:, :, H : H + K], weights[prefix + "self_attn.k_norm.weight"], cos, sin, eps)
            attended = F.linear(
                self._attend(q, k, qkv[:, :, H + K :]), weights[prefix + "self_attn.o_proj.weight"]
            )
            stream, normed = self.add_rms(
                stream, attended, weights[prefix + "post_attention_layernorm.weight"], eps
            )
            joined = torch.cat(
                [weights[prefix + "mlp.gate_proj.weight"], weights[prefix + "mlp.up_proj.weight"]]
            )
            out = F.linear(self.swiglu(F.linear(normed, joined)), weights[prefix + "mlp.down_proj.weight"])
            after = (
                f"model.layers.{layer + 1}.input_layernorm.weight"
                if layer + 1 < shape.layers
                else "model.norm.weight"
            )
            stream, normed = self.add_rms(stream, out, weights[after], eps)
        return normed

    def losses(self, ids_BL: torch.Tensor, learned_BL: torch.Tensor) -> torch.Tensor:
        """The loss of every learned token, in one row; the head runs at these positions only."""
        hidden = self.hidden(ids_BL[:, :-1])
        chosen = learned_BL[:, 1:].reshape(-1).nonzero()[:, 0]
        logits = F.linear(
            hidden.reshape(-1, self.shape.width)[chosen], self.weights["model.embed_tokens.weight"]
        )
        return self.cross_entropy(logits, ids_BL[:, 1:].reshape(-1)[chosen])
