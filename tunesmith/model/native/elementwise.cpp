// RMSNorm, SwiGLU and rotary embedding, forward and backward, each in one pass over its rows.
//
// Values are widened to fp32, and rounded where transformers' layers round between two operations. Widths
// must be multiples of the vector length, which the caller checks.
#include <cmath>

#include "rows.h"

using namespace tunesmith;

namespace {

constexpr float LOG2_E = 1.4426950408889634f;

struct RmsNorm {
    const void *x, *weight, *grad_out;  // [n_rows, width] contiguous, [width], as x
    void* out;                          // as x: y forward, dx backward
    float* rstd;                        // [n_rows]: written forward, read backward
    int64_t n_rows, width;
    float eps;
    int32_t is_bf16, n_threads;
};

struct SwiGlu {
    const void *gate, *up, *grad_out;   // [n_rows, width] contiguous
    void *out, *grad_gate, *grad_up;    // out forward; the others backward
    int64_t n_rows, width;
    int32_t is_bf16, n_threads;
};

struct Rotary {
    const void *x, *cos, *sin;          // [n_rows, n_heads, width] with strides; [n_rows, width] contiguous
    void* out;                          // [n_rows, n_heads, width] contiguous
    int64_t n_rows, n_heads, width, row_stride, head_stride;
    int32_t is_backward, is_bf16, n_threads;
};

template <class Data>
void rms_norm_forward(const RmsNorm& call) {
    const int64_t d = call.width;
    const auto* weight = static_cast<const Data*>(call.weight);
    over_rows(call.n_rows, d * sizeof(Data), call.n_threads, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; row++) {
            const auto* x = static_cast<const Data*>(call.x) + row * d;
            auto* out = static_cast<Data*>(call.out) + row * d;
            floats squares{};
            for (int64_t i = 0; i < d; i += LANES) squares += read(x + i) * read(x + i);
            const float rstd = 1 / std::sqrt(sum(squares) / float(d) + call.eps);
            call.rstd[row] = rstd;
            for (int64_t i = 0; i < d; i += LANES)
                write(out + i, read(weight + i) * rounded<Data>(read(x + i) * rstd));
        }
    });
}

// dx = rstd (g w - xhat mean(g w xhat)); the weight is frozen.
template <class Data>
void rms_norm_backward(const RmsNorm& call) {
    const int64_t d = call.width;
    const auto* weight = static_cast<const Data*>(call.weight);
    over_rows(call.n_rows, d * sizeof(Data), call.n_threads, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; row++) {
            const auto* x = static_cast<const Data*>(call.x) + row * d;
            const auto* g = static_cast<const Data*>(call.grad_out) + row * d;
            auto* out = static_cast<Data*>(call.out) + row * d;
            const float rstd = call.rstd[row];
            floats products{};
            for (int64_t i = 0; i < d; i += LANES) products += read(g + i) * read(weight + i) * read(x + i);
            const float mean = sum(products) * rstd * rstd / float(d);
            for (int64_t i = 0; i < d; i += LANES)
                write(out + i, (read(g + i) * read(weight + i) - read(x + i) * mean) * rstd);
        }
    });
}

template <class Data>
floats sigmoid(floats x) {
    return 1.f / (1.f + tunesmith::exp2<sizeof(Data) == sizeof(bf16)>(x * -LOG2_E));
}

template <class Data>
void swiglu_forward(const SwiGlu& call) {
    over_rows(call.n_rows, call.width * sizeof(Data), call.n_threads, [&](int64_t first, int64_t last) {
        const auto* gate = static_cast<const Data*>(call.gate);
        const auto* up = static_cast<const Data*>(call.up);
        auto* out = static_cast<Data*>(call.out);
        for (int64_t i = first * call.width; i < last * call.width; i += LANES) {
            const floats g = read(gate + i);
            write(out + i, rounded<Data>(g * sigmoid<Data>(g)) * read(up + i));
        }
    });
}

template <class Data>
void swiglu_backward(const SwiGlu& call) {
    over_rows(call.n_rows, call.width * sizeof(Data), call.n_threads, [&](int64_t first, int64_t last) {
        const auto* gate = static_cast<const Data*>(call.gate);
        const auto* up = static_cast<const Data*>(call.up);
        const auto* grad = static_cast<const Data*>(call.grad_out);
        auto* grad_gate = static_cast<Data*>(call.grad_gate);
        auto* grad_up = static_cast<Data*>(call.grad_up);
        for (int64_t i = first * call.width; i < last * call.width; i += LANES) {
            const floats g = read(gate + i), s = sigmoid<Data>(g), d = read(grad + i);
            write(grad_up + i, d * rounded<Data>(g * s));
            write(grad_gate + i, d * read(up + i) * (s * (1.f + g * (1.f - s))));
        }
    });
}

// x cos + rotate_half(x) sin, where rotate_half((a, b)) = (-b, a); backward its transpose.
template <class Data>
void rotary(const Rotary& call) {
    const int64_t d = call.width, half = d / 2;
    const float sign = call.is_backward ? -1 : 1;
    over_rows(call.n_rows, call.n_heads * d * sizeof(Data), call.n_threads, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; row++) {
            const auto* cos = static_cast<const Data*>(call.cos) + row * d;
            const auto* sin = static_cast<const Data*>(call.sin) + row * d;
            for (int64_t head = 0; head < call.n_heads; head++) {
                const auto* x = static_cast<const Data*>(call.x) + row * call.row_stride + head * call.head_stride;
                auto* out = static_cast<Data*>(call.out) + (row * call.n_heads + head) * d;
                for (int64_t i = 0; i < half; i += LANES) {
                    const int64_t j = i + half;
                    const floats a = read(x + i), b = read(x + j);
                    // forward each half takes its own sine; backward the sine it was multiplied with
                    const floats s = read(sin + (call.is_backward ? j : i)) * sign;
                    const floats t = read(sin + (call.is_backward ? i : j)) * sign;
                    write(out + i, a * read(cos + i) - b * s);
                    write(out + j, b * read(cos + j) + a * t);
                }
            }
        }
    });
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int tunesmith_lanes() { return LANES; }

EXPORT void tunesmith_rms_norm_forward(const RmsNorm* call) {
    call->is_bf16 ? rms_norm_forward<bf16>(*call) : rms_norm_forward<float>(*call);
}
EXPORT void tunesmith_rms_norm_backward(const RmsNorm* call) {
    call->is_bf16 ? rms_norm_backward<bf16>(*call) : rms_norm_backward<float>(*call);
}
EXPORT void tunesmith_swiglu_forward(const SwiGlu* call) {
    call->is_bf16 ? swiglu_forward<bf16>(*call) : swiglu_forward<float>(*call);
}
EXPORT void tunesmith_swiglu_backward(const SwiGlu* call) {
    call->is_bf16 ? swiglu_backward<bf16>(*call) : swiglu_backward<float>(*call);
}
EXPORT void tunesmith_rotary(const Rotary* call) { call->is_bf16 ? rotary<bf16>(*call) : rotary<float>(*call); }
