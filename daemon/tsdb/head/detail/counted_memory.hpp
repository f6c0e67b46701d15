#pragma once

#include <bit>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace mimir::tsdb::detail {

/// Memory for the many small things of a shard, whose sizes their owners remember: saves its count and nothing more.
/// The allocator below (jemalloc in mimird) keeps pieces of a size together and gives a page back once it is empty;
/// series grow in step, so that pages do become empty.
/// Threads: one at a time.
class CountedMemory {
  public:
    /// What a request for so many bytes takes: the next of jemalloc's size classes. Ask for this much.
    [[nodiscard]] static constexpr std::size_t capacity(std::size_t bytes) {
        // Steps of 16 up to 128, then four to a doubling.
        const std::size_t step = bytes <= 128 ? 16 : std::bit_floor(bytes - 1) / 4;
        return (bytes + step - 1) / step * step;
    }

    [[nodiscard]] void* allocate(std::size_t bytes) {
        void* const piece = std::malloc(bytes);
        if (piece == nullptr) throw std::bad_alloc();
        bytes_ += capacity(bytes);
        return piece;
    }
    void release(void* piece, std::size_t bytes) {
        std::free(piece);
        bytes_ -= capacity(bytes);
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    std::size_t bytes_ = 0;
};
static_assert(CountedMemory::capacity(1) == 16 && CountedMemory::capacity(128) == 128);
static_assert(CountedMemory::capacity(129) == 160 && CountedMemory::capacity(257) == 320);

}  // namespace mimir::tsdb::detail
