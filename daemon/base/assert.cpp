#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace mimir::detail {

void assertion_failed(
    std::string_view condition, std::string_view why, std::source_location where
) {
    std::fprintf(
        stderr,
        "assertion failed: %.*s (%.*s) at %s:%u in %s\n",
        static_cast<int>(condition.size()),
        condition.data(),
        static_cast<int>(why.size()),
        why.data(),
        where.file_name(),
        where.line(),
        where.function_name()
    );
    std::abort();
}

}  // namespace mimir::detail
