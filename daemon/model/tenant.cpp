#include "model/tenant.hpp"

#include <algorithm>

namespace mimir::model {
namespace {

constexpr std::size_t kTenantBytesMax = 150;

bool is_allowed(char c) {
    constexpr std::string_view kOthers = "!-_.*'()";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
}

}  // namespace

Result<TenantId> TenantId::parse(std::string_view text) {
    if (text.empty()) return fail(ErrorKind::invalid, "no org id");
    if (text.size() > kTenantBytesMax) {
        return fail(ErrorKind::invalid, "tenant ID is too long: max {} characters", kTenantBytesMax);
    }
    if (const auto bad = std::find_if_not(text.begin(), text.end(), is_allowed); bad != text.end()) {
        return fail(
            ErrorKind::invalid, "tenant ID '{}' contains unsupported character '{}'", text, *bad
        );
    }
    if (text == "." || text == "..") {
        return fail(ErrorKind::invalid, "tenant ID is '.' or '..'");
    }
    return TenantId(text);
}

}  // namespace mimir::model
