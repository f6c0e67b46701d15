#pragma once

#include <cstddef>

namespace mimir::test {

/// How often this thread has called operator new: in programs that are built from allocations.cpp too.
/// Always 0 under a sanitizer that brings operators of its own; other builds see then.
std::size_t allocations();

}  // namespace mimir::test
