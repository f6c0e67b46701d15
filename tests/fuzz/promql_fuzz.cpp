// Any bytes are a query that is refused with a reason, or one that prints and reads back as the same.

#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "promql/parser.hpp"
#include "promql/printer.hpp"

using namespace mimir;  // NOLINT(google-build-using-namespace): a program

namespace {

void check(std::string_view query) {
    const auto options = promql::ParserOptions::everything();
    const auto expr = promql::parse_expr(query, options);
    if (!expr) {
        MIMIR_ASSERT(!expr.error().message.empty(), "an error says why");
        return;
    }
    const std::string printed = promql::to_string(**expr);
    for (const std::string& text : {printed, promql::format_pretty(**expr)}) {
        const auto again = promql::parse_expr(text, options);
        MIMIR_ASSERT(again.has_value(), "what was printed can be read");
        MIMIR_ASSERT(promql::to_string(**again) == printed, "and prints as before");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view query(reinterpret_cast<const char*>(data), size);
    check(query);
    static_cast<void>(promql::parse_metric_selector(query));
    return 0;
}
