// Cross entropy of logit rows, and its gradient in their place.
//
// torch makes this in eight passes over fp32 copies; here a row stays in the cache for its three: the
// maximum, the sum of exponentials, and p - onehot written over the logits. Rows are independent, so the
// result does not depend on the threads.
#include <algorithm>
#include <cmath>

#include "rows.h"

using namespace tunesmith;

namespace {

constexpr float LOG2_E = 1.4426950408889634f;
// Values added up in fp32 before they join the row's sum in fp64.
constexpr int64_t BLOCK = 32 * LANES;

struct CrossEntropy {
    void* logits;            // [n_rows, n_classes], contiguous; replaced by the gradient if wanted
    const int64_t* targets;  // [n_rows], each in [0, n_classes)
    float* nll;              // [n_rows]
    uint8_t* correct;        // [n_rows]: whether the target is the first of the largest
    int64_t n_rows, n_classes;
    int32_t is_bf16, wants_gradient, n_threads;
};

template <class Data>
float largest(const Data* x, int64_t n) {
    floats most = all(-INFINITY);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) most = greater(most, read(x + i));
    float lane[LANES], result = -INFINITY;
    store(lane, most);
    // a NaN is kept: nothing is larger than it, and it is larger than nothing
    for (int j = 0; j < LANES; j++) result = result >= lane[j] ? result : lane[j];
    for (; i < n; i++) result = result >= to_float(x[i]) ? result : to_float(x[i]);
    return result;
}

template <class Data>
double sum_of_exponentials(const Data* x, int64_t n, float most) {
    constexpr bool coarse = sizeof(Data) == sizeof(bf16);
    double total = 0;
    int64_t i = 0;
    while (i + LANES <= n) {
        const int64_t end = std::min(n - LANES, i + BLOCK - LANES);
        floats part{};
        for (; i <= end; i += LANES) part = part + exp2<coarse>((read(x + i) - most) * LOG2_E);
        total += sum(part);
    }
    for (; i < n; i++) total += std::exp(to_float(x[i]) - most);
    return total;
}

template <class Data>
void row(Data* x, int64_t n, int64_t target, float* nll, uint8_t* correct, bool wants_gradient) {
    constexpr bool coarse = sizeof(Data) == sizeof(bf16);
    const float most = largest(x, n), at_target = to_float(x[target]);
    const double total = sum_of_exponentials(x, n, most);
    *nll = float(std::log(total) + (double(most) - at_target));
    *correct = at_target == most && std::none_of(x, x + target, [&](Data y) { return to_float(y) == most; });
    if (!wants_gradient) return;
    const float share = float(1 / total);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) write(x + i, exp2<coarse>((read(x + i) - most) * LOG2_E) * share);
    for (; i < n; i++) round_to(x + i, std::exp(to_float(x[i]) - most) * share);
    round_to(x + target, std::exp(at_target - most) * share - 1);
}

template <class Data>
void run(const CrossEntropy& call) {
    Queue rows(call.n_rows);
    in_parallel(call.n_threads, [&](int) {
        for (int64_t i; rows.next(i);)
            row(static_cast<Data*>(call.logits) + i * call.n_classes, call.n_classes, call.targets[i],
                call.nll + i, call.correct + i, call.wants_gradient);
    });
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void tunesmith_cross_entropy(const CrossEntropy* call) {
    call->is_bf16 ? run<bf16>(*call) : run<float>(*call);
}
