#pragma once

#include <cstdint>
#include <string_view>

namespace mimir::promql {

/// What an expression yields.
enum class ValueType : std::uint8_t { scalar, string, vector, matrix };

/// As the HTTP API's resultType has it.
constexpr std::string_view to_string(ValueType type) {
    switch (type) {
        case ValueType::scalar: return "scalar";
        case ValueType::string: return "string";
        case ValueType::vector: return "vector";
        case ValueType::matrix: return "matrix";
    }
    return {};
}

/// As messages for people have it.
constexpr std::string_view describe(ValueType type) {
    switch (type) {
        case ValueType::scalar: return "scalar";
        case ValueType::string: return "string";
        case ValueType::vector: return "instant vector";
        case ValueType::matrix: return "range vector";
    }
    return {};
}

}  // namespace mimir::promql
