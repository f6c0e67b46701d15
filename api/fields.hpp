#pragma once

// How a type of the admin API describes itself, once. JSON both ways, the OpenAPI document and the reference pages
// derive from it:
//
//     struct Target {
//         std::string name;
//         bool in_all = false;
//
//         static constexpr std::string_view kSchema = "Target";
//         static void fields(auto&& field) {
//             field("name", &Target::name, "What -target takes.");
//             field("in_all", &Target::in_all, "Whether the target `all` contains it.");
//         }
//     };
//
// A field is a string, a boolean, a number, an instant (RFC 3339 with milliseconds), an enumeration, a described type,
// or an optional or a vector of these. An optional that is empty is left out of the JSON. The names of an enumeration
// are those of enum_names(), in the order of its values.

#include <array>
#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mimir::api {

/// What an endpoint without a body takes, or gives.
struct None {};

template <class T>
concept Described = requires {
    { T::kSchema } -> std::convertible_to<std::string_view>;
};

template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) { enum_names(value); };

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// "running"
template <NamedEnum T>
constexpr std::string_view to_string(T value) {
    return enum_names(value)[static_cast<std::size_t>(value)];
}

}  // namespace mimir::api
