"""The native attention against the definition in float64, and how its library is built and kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.model import native
from tunesmith.model.native import build
from tunesmith.model.native.kernel import Kernel, cores

pytestmark = pytest.mark.skipif(native.load() is None, reason=native.reason())

#: A system prompt of 40 tokens over three conversations, one of which branches; a lone token; a lone example.
FOREST = [(40, [(17, []), (32, [(5, []), (40, [])]), (1, [])]), (1, []), (70, [])]


class Layout(NamedTuple):
    nodes: torch.Tensor  # int32 [n, 4]
    positions: torch.Tensor  # int32 [T]
    seen: torch.Tensor  # bool [T, T], queries by keys


def layout(forest: list) -> Layout:
    """From nested (length, children)."""
    nodes: list[list[int]] = []
    positions: list[int] = []
    seen_by: list[list[int]] = []  # per token: the keys it sees

    def grow(length: int, children: list, parent: int, prefix: list[int]) -> None:
        start, index = len(positions), len(nodes)
        own = list(range(start, start + length))
        nodes.append([start, start + length, 0, parent])
        for i in range(length):
            positions.append(len(prefix) + i)
            seen_by.append(prefix + own[: i + 1])
        for child in children:
            grow(*child, index, prefix + own)
        nodes[index][2] = len(positions)

    for root in forest:
        grow(*root, -1, [])
    seen = torch.zeros(len(positions), len(positions), dtype=torch.bool)
    for query, keys in enumerate(seen_by):
        seen[query, keys] = True
    return Layout(torch.tensor(nodes, dtype=torch.int32), torch.tensor(positions, dtype=torch.int32), seen)


class Case(NamedTuple):
    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    grad: torch.Tensor


def case(n_tokens: int, n_heads: int = 4, n_kv: int = 2, width: int = 32, value_width: int = 0) -> Case:
    generator = torch.Generator().manual_seed(n_tokens + width)

    def one(heads: int, width: int) -> torch.Tensor:
        return torch.randn(n_tokens, heads, width, generator=generator, dtype=torch.float64)

    value_width = value_width or width
    return Case(one(n_heads, width), one(n_kv, width), one(n_kv, value_width), one(n_heads, value_width))


def by_definition(
    inputs: Case, where: Layout, scale: float, window: int | None = None, softcap: float | None = None
) -> dict[str, torch.Tensor]:
    q, k, v = (x.detach().requires_grad_() for x in inputs[:3])
    repeats = q.shape[1] // k.shape[1]
    keys, values = (x.repeat_interleave(repeats, dim=1) for x in (k, v))
    scores = torch.einsum("qhd,khd->hqk", q, keys) * scale
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    seen = where.seen
    if window is not None:
        seen = seen & (where.positions[:, None] - where.positions[None] < window)
    scores = scores.masked_fill(~seen, float("-inf"))
    out = torch.einsum("hqk,khd->qhd", scores.softmax(-1), values)
    grads = torch.autograd.grad(out, (q, k, v), inputs.grad)
    return dict(out=out.detach(), lse=scores.logsumexp(-1).detach(), dq=grads[0], dk=grads[1], dv=grads[2])


def by_kernel(
    kernel: Kernel, inputs: Case, where: Layout, scale: float, threads: int = 1, **options: float | int | None
) -> dict[str, torch.Tensor]:
    q, k, v, grad = inputs
    given = dict(scale=scale, num_threads=threads, **options)
    out, lse = kernel.forward(q, k, v, where.nodes, where.positions, **given)
    dq, dk, dv = kernel.backward(grad, q, k, v, out, lse, where.nodes, where.positions, **given)
    return dict(out=out, lse=lse, dq=dq, dk=dk, dv=dv)


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Relative, in the Euclidean norm; of what is 0 by definition, relative to 0.1 in each place."""
    return float(
        (found.double() - expected).norm() / expected.norm().clamp(min=0.1 * expected.numel() ** 0.5)
    )


def agree(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], tolerance: float) -> None:
    errors = {name: error(found[name], expected[name]) for name in expected}
    assert max(errors.values()) < tolerance, errors


def cast(inputs: Case, dtype: torch.dtype) -> Case:
    return Case(*(x.to(dtype) for x in inputs))


CORES = cores(build.library()) if native.load() else []


@pytest.fixture(params=CORES)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return Kernel(build.library(), request.param)


@pytest.fixture(scope="module")
def best() -> Kernel:
    found = native.load()
    assert found is not None
    return found


trees = st.recursive(
    st.tuples(st.sampled_from([1, 2, 15, 16, 31, 32, 33, 50]), st.just([])),
    lambda child: st.tuples(st.integers(1, 40), st.lists(child, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None)
@given(
    forest=st.lists(trees, min_size=1, max_size=4),
    heads=st.sampled_from([(1, 1), (2, 2), (4, 2), (3, 1), (7, 1), (8, 1), (6, 2)]),
    window=st.sampled_from([None, None, 1, 7, 33, 64]),
    softcap=st.sampled_from([None, None, 2.0]),
    threads=st.sampled_from([1, 2, 3]),
)
def test_any_forest_in_fp32_is_attention_by_definition(best, forest, heads, window, softcap, threads) -> None:
    where = layout(forest)
    inputs = case(len(where.positions), *heads, width=16)
    expected = by_definition(inputs, where, 0.25, window, softcap)
    found = by_kernel(best, cast(inputs, torch.float32), where, 0.25, threads, window=window, softcap=softcap)
    agree(found, expected, 1e-5)


@pytest.mark.parametrize(
    "widths", [(40, 40), (64, 64), (80, 80), (96, 96), (128, 128), (256, 256), (96, 64), (1, 3)]
)
def test_heads_may_have_any_width(best, widths) -> None:
    where = layout(FOREST)
    inputs = case(len(where.positions), 4, 2, *widths)
    scale = widths[0] ** -0.5
    agree(
        by_kernel(best, cast(inputs, torch.float32), where, scale, threads=2),
        by_definition(inputs, where, scale),
        1e-5,
    )


@pytest.mark.parametrize("widths", [(64, 64), (80, 80), (128, 128), (96, 64)])
@pytest.mark.parametrize("window, softcap", [(None, None), (50, None), (None, 2.0)])
def test_bf16_errs_no_more_than_torch_does(kernel, widths, window, softcap) -> None:
    """Torch's own attention, where it has one in bf16."""
    where = layout([(130, []), (97, [])])
    inputs = cast(case(len(where.positions), 4, 2, *widths), torch.bfloat16)
    scale = widths[0] ** -0.5
    exact = Case(*(x.double() for x in inputs))
    expected = by_definition(exact, where, scale, window, softcap)
    found = by_kernel(kernel, inputs, where, scale, threads=2, window=window, softcap=softcap)
    if window is None and softcap is None and widths[0] == widths[1]:
        theirs = torch_flash(inputs, where, scale)
        for name, value in theirs.items():
            assert error(found[name], expected[name]) < 1.5 * error(value, expected[name]), name
    agree(found, expected, 6e-3)


def torch_flash(inputs: Case, where: Layout, scale: float) -> dict[str, torch.Tensor]:
    """A flat row, one example at a time."""
    q, k, v = (x.detach().requires_grad_() for x in inputs[:3])
    outs = []
    for start, end, _, _ in where.nodes.tolist():
        heads = (x[None, start:end].transpose(1, 2) for x in (q, k, v))
        out = F.scaled_dot_product_attention(*heads, is_causal=True, scale=scale, enable_gqa=True)
        outs.append(out[0].transpose(0, 1))
    out = torch.cat(outs)
    grads = torch.autograd.grad(out, (q, k, v), inputs.grad)
    return dict(out=out.detach(), dq=grads[0], dk=grads[1], dv=grads[2])


@pytest.mark.parametrize("n_kv", [1, 2, 3, 6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_threads_give_the_same_bytes(best, n_kv, dtype, threads) -> None:
    where = layout(FOREST * 2)
    inputs = cast(case(len(where.positions), 6, n_kv, 64), dtype)
    first = by_kernel(best, inputs, where, 0.125, threads)
    for _ in range(3):
        again = by_kernel(best, inputs, where, 0.125, threads)
        assert all(torch.equal(first[name], again[name]) for name in first)


def test_views_of_transformers_tensors_are_taken_as_they_are(kernel) -> None:
    """[1, heads, T, D], as projections leave them or after a copy: the rows then lie differently apart."""
    where = layout(FOREST)
    inputs = cast(case(len(where.positions), 4, 2, 48), torch.bfloat16)
    apart = Case(*(x.transpose(0, 1).contiguous().transpose(0, 1) for x in inputs))
    gapped = Case(*(torch.stack([x, x], dim=-1)[..., 0] for x in inputs))
    plain = by_kernel(kernel, inputs, where, 0.125)
    for views in (apart, gapped):
        viewed = by_kernel(kernel, views, where, 0.125)
        assert all(torch.equal(plain[name], viewed[name]) for name in plain)


def test_merging_attention_sinks_into_out_and_lse_gives_the_gradients_with_sinks(best) -> None:
    where = layout(FOREST)
    inputs = case(len(where.positions), 4, 2, 32)
    q, k, v = (x.detach().requires_grad_() for x in inputs[:3])
    sinks = torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64)
    keys, values = (x.repeat_interleave(2, dim=1) for x in (k, v))
    scores = torch.einsum("qhd,khd->hqk", q, keys) * 0.2
    scores = scores.masked_fill(~where.seen, float("-inf"))
    with_sinks = torch.cat([scores, sinks[:, None, None].expand(-1, len(q), 1)], dim=-1).softmax(-1)
    out = torch.einsum("hqk,khd->qhd", with_sinks[..., :-1], values)
    expected = torch.autograd.grad(out, (q, k, v), inputs.grad)

    single = cast(inputs, torch.float32)
    out, lse = best.forward(*single[:3], where.nodes, where.positions, scale=0.2)
    merged = torch.logaddexp(lse, sinks.float()[:, None])
    out = out * (lse - merged).exp().T[..., None]
    found = best.backward(single.grad, *single[:3], out, merged, where.nodes, where.positions, scale=0.2)
    assert all(error(*pair) < 1e-5 for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_large_scores_neither_overflow_nor_vanish(best, dtype) -> None:
    where = layout(FOREST)
    inputs = cast(case(len(where.positions), 4, 2, 64), dtype)
    exact = Case(*(x.double() for x in inputs))
    agree(by_kernel(best, inputs, where, 30.0), by_definition(exact, where, 30.0), 2e-2)


def test_a_nan_among_the_inputs_reaches_the_output(kernel) -> None:
    where = layout(FOREST)
    inputs = cast(case(len(where.positions), 4, 2, 64), torch.bfloat16)
    inputs.k[3, 0, 5] = float("nan")
    found = by_kernel(kernel, inputs, where, 0.125)
    assert found["out"][39, 0].isnan().all() and found["dk"][3, 0].isnan().any()


def test_a_layout_that_is_no_forest_is_refused(best) -> None:
    where = layout(FOREST)
    inputs = cast(case(len(where.positions)), torch.float32)
    for row, column, value in ((0, 1, 41), (1, 2, 500), (2, 3, 5), (1, 2, 200)):
        nodes = where.nodes.clone()
        nodes[row, column] = value
        with pytest.raises(ValueError, match="nodes must be in preorder"):
            best.forward(*inputs[:3], nodes, where.positions, scale=1.0)


def test_tensors_that_do_not_fit_are_refused_by_name(best) -> None:
    where = layout(FOREST)
    inputs = cast(case(len(where.positions)), torch.float32)
    with pytest.raises(ValueError, match="k must be torch.float32"):
        best.forward(inputs.q, inputs.k.bfloat16(), inputs.v, *where[:2], scale=1.0)
    with pytest.raises(ValueError, match="positions must be torch.int32"):
        best.forward(*inputs[:3], where.nodes, where.positions.long(), scale=1.0)
    with pytest.raises(ValueError, match="float16"):
        best.forward(*cast(inputs, torch.float16)[:3], *where[:2], scale=1.0)


def test_one_openmp_runtime_serves_torch_and_the_kernel(best) -> None:
    where = layout(FOREST)
    by_kernel(best, cast(case(len(where.positions)), torch.float32), where, 1.0, threads=2)
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    assert len([path for path in mapped if Path(path).name.startswith(("libgomp", "libomp", "libiomp"))]) == 1


def test_a_cpu_without_avx512_computes_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    # the same source; -O3 takes three times as long to compile
    instead = {"-march=native": ["-mavx2", "-mfma"], "-O3": ["-O1"]}
    library = build.library([part for flag in build.FLAGS for part in instead.get(flag, [flag])])
    assert cores(library) == ["float"]
    where = layout(FOREST)
    inputs = case(len(where.positions), 4, 2, 80)
    expected = by_definition(inputs, where, 0.1, window=30, softcap=3.0)
    found = by_kernel(Kernel(library), cast(inputs, torch.float32), where, 0.1, 2, window=30, softcap=3.0)
    agree(found, expected, 1e-5)
    agree(by_kernel(Kernel(library), cast(inputs, torch.bfloat16), where, 0.1),
          by_definition(inputs, where, 0.1), 1e-2)  # fmt: skip


def reason_in_a_new_process(**environment: str) -> str:
    code = "from tunesmith.model import native; assert native.load() is None; print(native.reason())"
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    ).stdout.strip()


def test_it_can_be_turned_off() -> None:
    assert reason_in_a_new_process(TUNESMITH_NATIVE="0") == "The native kernel is off: TUNESMITH_NATIVE=0."


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"CXX": "no-such-compiler"}, "no-such-compiler, is not there"),
        ({"CXX": "false"}, "false does not run"),
        ({"CXX": "g++ -fno-such-flag"}, "failed"),
        ({"XDG_CACHE_HOME": "/proc"}, "cache folder cannot be made"),
    ],
)
def test_where_it_cannot_be_built_the_reason_is_a_sentence(tmp_path, monkeypatch, change, problem) -> None:
    for name, value in ({"XDG_CACHE_HOME": str(tmp_path)} | change).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(build.Unavailable, match=problem):
        build.library()


def test_a_cache_folder_that_others_may_write_to_is_not_used(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = build.cache_folder()
    folder.chmod(0o777)
    with pytest.raises(build.Unavailable, match="others may write"):
        build.build()
    folder.chmod(0o700)
    folder.parent.chmod(0o777)
    with pytest.raises(build.Unavailable, match="others may replace"):
        build.build()


def test_what_was_built_is_used_again_and_leaves_nothing_beside_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    flags = [*build.FLAGS, "-O0"]
    path = build.build(flags)
    built = path.stat().st_mtime_ns
    assert build.build(flags) == path and path.stat().st_mtime_ns == built
    assert list(path.parent.iterdir()) == [path]
