#pragma once

// An endpoint is declared once (endpoints.hpp): the daemon registers it, mimirctl calls it, and the OpenAPI document and
// docs/admin-api.md describe it.

#include <cstdint>
#include <span>
#include <string_view>

#include "api/fields.hpp"

namespace mimir::api {

enum class Method : std::uint8_t { get, post, put, delete_ };
constexpr auto enum_names(Method) {
    return std::array<std::string_view, 4>{"GET", "POST", "PUT", "DELETE"};
}

/// What a caller may do: look, or change. Whoever may change may look.
enum class Role : std::uint8_t { read, change };
constexpr auto enum_names(Role) { return std::array<std::string_view, 2>{"read", "change"}; }

/// How the answer's body is.
enum class Body : std::uint8_t {
    json,  ///< one JSON value
    ndjson,  ///< with follow=true a stream of JSON values, a line each; else a JSON array of what there is
    other,  ///< as the summary says
};

struct Parameter {
    std::string_view name;
    std::string_view help;
};

/// All text is static.
struct Endpoint {
    std::string_view id;
    Method method = Method::get;
    /// As the router takes it: "/admin/v1/modules/{name}".
    std::string_view path;
    std::string_view summary;
    Role role = Role::read;
    /// Of the query.
    std::span<const Parameter> query = {};
    /// The codes of problems that are its own, besides those that any request may meet.
    std::span<const std::string_view> problems = {};
    Body body = Body::json;
    /// Whether the public port serves it too, for the page at `/`.
    bool is_public = false;
    /// Names of the described types; a list of them when the flag is set; empty for None.
    std::string_view request = {};
    std::string_view response = {};
    bool response_is_list = false;
};

namespace detail {
template <class T>
struct NameOf {
    static constexpr std::string_view value = T::kSchema;
};
template <>
struct NameOf<None> {
    static constexpr std::string_view value = "";
};
template <class T>
struct NameOf<std::vector<T>> {
    static constexpr std::string_view value = T::kSchema;
};
}  // namespace detail

/// With the types of its bodies.
template <class RequestType, class ResponseType>
struct EndpointOf : Endpoint {
    using Request = RequestType;
    using Response = ResponseType;
    constexpr explicit EndpointOf(Endpoint endpoint) : Endpoint(endpoint) {
        request = detail::NameOf<Request>::value;
        response = detail::NameOf<Response>::value;
        response_is_list = is_vector<Response>;
    }
};

}  // namespace mimir::api
