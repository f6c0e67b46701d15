#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/endpoint.hpp"

namespace mimir::admin {

/// Who asks for something, and what they may do.
struct Caller {
    /// A user's name, a token's name, or "mimird" itself.
    std::string name;
    /// unix, tcp or signal.
    std::string via;
    std::optional<std::uint32_t> uid;
    std::optional<std::int32_t> pid;
    api::Role role = api::Role::read;
};

/// "alice (uid 1000, pid 4711)"
std::string to_string(const Caller& caller);

}  // namespace mimir::admin
