#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/types.hpp"
#include "base/result.hpp"

namespace mimir::api {

/// The types that have JSON are those of types.hpp and vectors of them; others do not link.
/// indent < 0: one line.
template <class T>
std::string to_json(const T& value, int indent = -1);

/// What to do with a member that is not known: a daemon refuses it (a typo would be ignored else), a client ignores it (a
/// newer daemon may say more).
enum class Unknown : std::uint8_t { refuse, ignore };

/// Members that are missing keep their defaults.
/// Errors: invalid, naming the member and what was expected, and for unknown ones the nearest known.
template <class T>
Result<T> from_json(std::string_view text, Unknown unknown);

}  // namespace mimir::api
