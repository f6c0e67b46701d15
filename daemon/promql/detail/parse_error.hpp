#pragma once

#include <string_view>

#include "base/result.hpp"
#include "promql/position.hpp"

namespace mimir::promql::detail {

/// "1:5: parse error: message", as Prometheus puts it.
inline tl::unexpected<Error> parse_error(
    std::string_view query, Span part, std::string_view message
) {
    return fail(
        ErrorKind::invalid,
        "{}: parse error: {}",
        query.empty() ? "unknown position" : position_text(query, part),
        message
    );
}

}  // namespace mimir::promql::detail
