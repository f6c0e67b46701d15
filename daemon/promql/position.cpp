#include "promql/position.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mimir::promql {

std::string position_text(std::string_view query, Span part) {
    const std::string_view before =
        query.substr(0, std::min<std::size_t>(part.begin, query.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    return fmt::format("{}:{}", line, before.size() - line_begin + 1);
}

}  // namespace mimir::promql
