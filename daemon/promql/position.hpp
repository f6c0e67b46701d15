#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mimir::promql {

/// A part of a query's text: bytes [begin, end).
struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    bool operator==(const Span&) const = default;
};

/// "line:column" of the part's first byte, both counted from 1; what errors and annotations carry.
std::string position_text(std::string_view query, Span part);

}  // namespace mimir::promql
