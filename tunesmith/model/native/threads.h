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
#include <vector>

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

// Memory that a thread's earlier calls left behind: layer after layer asks for the same sizes, and fresh pages
// from the operating system would cost as much time as short rows' attention does.
class Spare {
   public:
    struct Block {
        void* data;
        size_t size;
    };
    ~Spare() {
        for (const Block& block : blocks_) std::free(block.data);
    }
    Block take(size_t size) {
        for (size_t i = 0; i < blocks_.size(); i++) {
            const Block block = blocks_[i];
            if (block.size < size || block.size > 2 * size) continue;
            blocks_.erase(blocks_.begin() + i);
            kept_ -= block.size;
            return block;
        }
        return {std::aligned_alloc(64, size), size};
    }
    void give(Block block) {
        blocks_.push_back(block);
        for (kept_ += block.size; kept_ > MOST || blocks_.size() > 32; blocks_.erase(blocks_.begin())) {
            kept_ -= blocks_.front().size;
            std::free(blocks_.front().data);
        }
    }

   private:
    static constexpr size_t MOST = size_t(256) << 20;
    std::vector<Block> blocks_;
    size_t kept_ = 0;
};
inline thread_local Spare spare;

// Cache-aligned memory without a value; made and released by the calling thread, used by all.
template <class T>
class Buffer {
   public:
    explicit Buffer(int64_t n) : block_(spare.take((size_t(n) * sizeof(T) + 4096) / 4096 * 4096)) {
        if (!block_.data) throw std::bad_alloc();
    }
    ~Buffer() { spare.give(block_); }
    Buffer(const Buffer&) = delete;
    T* operator+(int64_t i) const { return static_cast<T*>(block_.data) + i; }

   private:
    Spare::Block block_;
};

}  // namespace tunesmith
