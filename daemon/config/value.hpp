#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace mimir::config {

/// A setting's value, free of the field that it comes from. Enumerations are their names.
using Value = std::variant<
    bool,
    std::int64_t,
    std::uint64_t,
    double,
    std::chrono::nanoseconds,
    std::string,
    std::vector<std::string>>;

/// How a value is written and what it may be.
enum class Type : std::uint8_t {
    boolean,
    integer,
    unsigned_integer,
    number,
    duration,
    bytes,  ///< an unsigned integer that may carry a unit: 64KiB
    string,
    name,  ///< one of a few strings
    list,  ///< strings; on the command line separated by commas
};

/// "duration", "list of strings": for help and messages.
std::string_view to_string(Type type);

/// Reads a value of a type from a flag or a YAML scalar.
/// Errors: invalid, saying what was expected: "expected a duration such as 30s, 1h30m or 7d".
Result<Value> parse_value(Type type, std::string_view text);

/// What parse_value reads back: "30s", "true", "a,b".
std::string format_value(const Value& value);

/// The same as a YAML scalar or flow sequence, quoted where YAML would read something else.
std::string format_yaml(const Value& value);

}  // namespace mimir::config
