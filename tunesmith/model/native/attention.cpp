// The library's door: plain C functions over plain pointers, called by kernel.py through ctypes.
//
// Which cores exist is fixed by the compiler flags (-march=native) and, for AMX, by the kernel's permission.
#include "backward.h"
#include "forward.h"

#if defined(TUNESMITH_HAS_AMX_CORE)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace tunesmith;

namespace {

enum CoreName { FLOAT = 1, DOT = 2, AMX = 4 };
enum Status { OK = 0, MALFORMED_LAYOUT = 1, OUT_OF_MEMORY = 2, UNKNOWN_CORE = 3 };

bool amx_permitted() {
#if defined(TUNESMITH_HAS_AMX_CORE)
    // Linux grants tile registers, whose state is 8 KB, to processes that ask.
    constexpr long ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;
    static const bool granted = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
    return granted;
#else
    return false;
#endif
}

template <template <class, class> class Direction, class Core, class Data>
int run_as(const Attention& call, const Forest& forest) {
    Direction<Core, Data>(call, forest).run();
    return OK;
}

template <template <class, class> class Direction>
int run(const Attention& call) {
    if (!Forest::valid(call.nodes, call.n_nodes, call.n_tokens)) return MALFORMED_LAYOUT;
    try {
        const Forest forest(call.n_tokens, call.nodes, call.n_nodes, call.positions, call.window);
        if (!call.is_bf16) return run_as<Direction, FloatCore, float>(call, forest);
        switch (call.core) {
            case FLOAT: return run_as<Direction, FloatCore, bf16>(call, forest);
#if defined(TUNESMITH_HAS_DOT_CORE)
            case DOT: return run_as<Direction, DotCore, bf16>(call, forest);
#endif
#if defined(TUNESMITH_HAS_AMX_CORE)
            case AMX: return run_as<Direction, AmxCore, bf16>(call, forest);
#endif
        }
        return UNKNOWN_CORE;
    } catch (const std::bad_alloc&) {
        return OUT_OF_MEMORY;
    }
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

// The OpenMP runtime to run on; without one, everything runs on the calling thread.
EXPORT void tunesmith_use_openmp(void* parallel, void* thread_num) {
    openmp.parallel = reinterpret_cast<decltype(openmp.parallel)>(parallel);
    openmp.thread_num = reinterpret_cast<decltype(openmp.thread_num)>(thread_num);
}

// The cores for bf16 that run here, as a sum of CoreName. Float tensors always take FLOAT.
EXPORT int tunesmith_cores() {
    int cores = FLOAT;
#if defined(TUNESMITH_HAS_DOT_CORE)
    cores |= DOT;
#endif
    return amx_permitted() ? cores | AMX : cores;
}

// The fastest of them, a CoreName. Intel's CPUs take two cycles for each dot product, and floats, which need no
// rounding between, are 1.3 times as fast (measured); AMD's take one.
EXPORT int tunesmith_best_core() {
    if (amx_permitted()) return AMX;
#if defined(TUNESMITH_HAS_DOT_CORE)
    __builtin_cpu_init();
    if (__builtin_cpu_is("amd")) return DOT;
#endif
    return FLOAT;
}

EXPORT int tunesmith_attention_forward(const Attention* call) { return run<Forward>(*call); }
EXPORT int tunesmith_attention_backward(const Attention* call) { return run<Backward>(*call); }
EXPORT int tunesmith_attention_size() { return sizeof(Attention); }
