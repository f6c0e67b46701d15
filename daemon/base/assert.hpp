#pragma once

#include <source_location>
#include <string_view>

namespace mimir::detail {

[[noreturn]] void assertion_failed(
    std::string_view condition, std::string_view why, std::source_location where
);

}  // namespace mimir::detail

/// States what must hold unless we made a mistake. Stays on in release and ends the process: WAL and journal make
/// that safe. Data from a peer, disk or user is never asserted; it is ErrorKind::corrupt or invalid.
#define MIMIR_ASSERT(condition, why)                                                           \
    (static_cast<bool>(condition)                                                              \
         ? static_cast<void>(0)                                                                \
         : ::mimir::detail::assertion_failed(#condition, why, std::source_location::current()))
