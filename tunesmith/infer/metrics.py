"""The engine's counters in Prometheus' text format, under vLLM's names where vLLM has one."""

from __future__ import annotations

from tunesmith.infer.engine import Engine


def exposition(engine: Engine, n_waiting: int) -> str:
    """The text of `GET /metrics`."""
    counters, places = engine.counters, engine.scheduler.places
    gauges = {
        "vllm:num_requests_running": len(engine.scheduler.running),
        "vllm:num_requests_waiting": n_waiting,
        "vllm:kv_cache_usage_perc": 1 - places.n_free / places.capacity,
        "tunesmith:prefix_cache_tokens": engine.prefixes.n_tokens if engine.prefixes else 0,
        "tunesmith:num_adapters_loaded": len(engine.runner.adapters.names),
    }
    totals = {
        "vllm:prompt_tokens_total": counters.prompt_tokens,
        "vllm:prefix_cache_hits_total": counters.reused_tokens,
        "vllm:generation_tokens_total": counters.generated_tokens,
        "tunesmith:engine_steps_total": counters.steps,
        "tunesmith:engine_busy_seconds_total": round(counters.busy_s, 6),
    }
    lines = []
    for kind, values in (("gauge", gauges), ("counter", totals)):
        for name, value in values.items():
            lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
    lines.append("# TYPE vllm:request_success_total counter")
    for reason, count in sorted(counters.finished.items()):
        lines.append(f'vllm:request_success_total{{finished_reason="{reason}"}} {count}')
    return "\n".join(lines) + "\n"
