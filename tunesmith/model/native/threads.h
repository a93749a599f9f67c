// A parallel region on the OpenMP runtime that torch already runs, and memory for its threads.
//
// The library is neither compiled nor linked with OpenMP: a second runtime beside torch's would keep a
// second set of threads spinning. Whoever loads it hands over the entry points of the one that is there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace tunesmith {

// libgomp's own entry points, which LLVM's and Intel's runtimes offer as well.
struct OpenMP {
    void (*parallel)(void (*)(void*), void*, unsigned, unsigned) = nullptr;  // GOMP_parallel
    int (*thread_num)() = nullptr;                                           // omp_get_thread_num
};
inline OpenMP openmp;

// Calls body(thread) on up to n_threads threads, this one among them.
template <class Body>
void in_parallel(int n_threads, Body&& body) {
    if (n_threads <= 1 || !openmp.parallel) {
        body(0);
        return;
    }
    auto start = [](void* data) { (*static_cast<Body*>(data))(openmp.thread_num()); };
    openmp.parallel(start, &body, unsigned(n_threads), 0);
}

// Hands out 0, 1, ... to whichever thread asks next. Each number's work must be a function of the number
// alone: then it does not matter for the result who did it.
class Queue {
   public:
    explicit Queue(int64_t size) : size_(size) {}
    bool next(int64_t& item) { return (item = taken_.fetch_add(1, std::memory_order_relaxed)) < size_; }

   private:
    std::atomic<int64_t> taken_{0};
    int64_t size_;
};

// Cache-aligned memory without a value.
template <class T>
class Buffer {
   public:
    explicit Buffer(int64_t n) {
        const size_t size_bytes = (size_t(n) * sizeof(T) + 63) / 64 * 64;
        data_ = static_cast<T*>(std::aligned_alloc(64, size_bytes ? size_bytes : 64));
        if (!data_) throw std::bad_alloc();
    }
    ~Buffer() { std::free(data_); }
    Buffer(const Buffer&) = delete;
    T* operator+(int64_t i) const { return data_ + i; }

   private:
    T* data_;
};

}  // namespace tunesmith
