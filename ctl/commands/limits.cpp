#include "ctl/commands/limits.hpp"

#include <algorithm>

namespace mimir::ctl {

Outcome<http::Parameters> page_of(const Invocation& invocation) {
    http::Parameters parameters;
    for (const std::string_view name : {"--after", "--limit"}) {
        const auto value = invocation.value(name);
        if (!value) continue;
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (value->empty() || value->size() > 19 || !std::ranges::all_of(*value, is_digit)) {
            return usage(fmt::format("{} takes a whole number, not \"{}\"", name, *value));
        }
        parameters.add(std::string(name.substr(2)), std::string(*value));
    }
    return parameters;
}

}  // namespace mimir::ctl
