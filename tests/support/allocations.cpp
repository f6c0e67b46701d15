#include "support/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t count = 0;
}

std::size_t mimir::test::allocations() { return count; }

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void* operator new(std::size_t bytes) {
    ++count;
    if (void* memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

#endif
