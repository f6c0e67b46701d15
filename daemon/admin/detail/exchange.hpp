#pragma once

// From requests to calls of Control, and back: what every endpoint's handler has in common.

#include <concepts>
#include <functional>
#include <string>
#include <utility>

#include "admin/access.hpp"
#include "admin/routes.hpp"
#include "api/endpoint.hpp"
#include "api/json.hpp"
#include "api/problems.hpp"
#include "http/message.hpp"

namespace mimir::admin::detail {

/// A request with its body read and its caller known.
template <class RequestType>
struct Call {
    const http::Request& http;
    const Caller& caller;
    RequestType body;
};

/// A number that the query or a path names.
/// Errors: request-malformed.
Result<std::uint64_t> number_of(
    const http::Parameters& query,
    std::string_view name,
    std::uint64_t otherwise,
    std::uint64_t most
);

/// If-Match and Idempotency-Key, with what the body says.
/// Errors: request-malformed.
Result<ChangeOptions> change_options(const http::Request& request, bool cascade, bool dry_run);

http::Response json_response(int status, std::string body);
http::Response problem_response(const api::Problem& problem);
/// 200 with the value as JSON; with the daemon's revision as ETag where the value has one.
template <class T>
http::Response reply(const T& value) {
    auto response = json_response(200, api::to_json(value));
    if constexpr (requires { value.revision; }) {
        response.headers.set("ETag", fmt::format("\"{}\"", value.revision));
    }
    return response;
}
/// 202 with Location when something was begun.
http::Response reply(const api::ChangeResult& result);

/// What an endpoint does, on the pool: the answer, or why there is none.
using Act = std::function<Result<http::Response>(const http::Request&, const Caller&)>;

/// The handler of an endpoint of the admin API; `access` is null on the public port, where anyone may look.
http::Handler make_handler(
    const api::Endpoint& endpoint,
    const Access* access,
    const RouteEnvironment& environment,
    Act act
);

/// An Act of a function that takes the endpoint's Call and returns a Result of something to reply().
template <class E, class F>
Act act_of(const E&, F call) {
    using RequestType = typename E::Request;
    return [call = std::move(call
            )](const http::Request& request, const Caller& caller) -> Result<http::Response> {
        RequestType body{};
        if constexpr (!std::same_as<RequestType, api::None>) {
            if (!request.body.empty()) {
                auto read = api::from_json<RequestType>(request.body, api::Unknown::refuse);
                if (!read) {
                    return tl::unexpected(
                        Error{ErrorKind::invalid, "request-malformed", read.error().message}
                    );
                }
                body = *std::move(read);
            }
        }
        return call(Call<RequestType>{request, caller, std::move(body)}).map([](const auto& value) {
            using Value = std::remove_cvref_t<decltype(value)>;
            if constexpr (std::same_as<Value, http::Response>) {
                return value;
            } else {
                return reply(value);
            }
        });
    };
}

}  // namespace mimir::admin::detail
