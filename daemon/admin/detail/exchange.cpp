#include "admin/detail/exchange.hpp"

#include <charconv>
#include <random>

#include "runtime/run_on.hpp"

namespace mimir::admin::detail {
namespace {

using http::asio::awaitable;

tl::unexpected<Error> malformed(std::string why) {
    return tl::unexpected(Error{ErrorKind::invalid, "request-malformed", std::move(why)});
}

std::string make_request_id() {
    thread_local std::mt19937_64 random{std::random_device{}()};
    return fmt::format("{:016x}", random());
}

/// Everything about a request that does not depend on its endpoint.
struct Handling {
    const api::Endpoint* endpoint;
    const Access* access;
    RouteEnvironment environment;
    Act act;
};

Result<http::Response> carry_out(const Handling& handling, const http::Request& request) {
    Caller caller{.name = "anyone", .via = "public"};
    if (handling.access != nullptr) {
        MIMIR_TRY(caller, handling.access->identify(request));
    }
    MIMIR_TRY(check_role(caller, handling.endpoint->role, handling.environment.change_group));
    return handling.act(request, caller);
}

awaitable<http::Response> handle(
    const std::shared_ptr<const Handling>& shared, http::Request& request
) {
    const auto handling = shared;
    auto job = [&handling = *handling, &request] { return carry_out(handling, request); };
    auto response = co_await runtime::run_on(handling->environment.pool, std::move(job));
    if (response) co_return *std::move(response);

    const std::string what =
        fmt::format("{} {}", to_string(handling->endpoint->method), request.path);
    api::Problem problem = api::to_problem(response.error(), what);
    problem.request_id = make_request_id();
    const bool ours = problem.status >= 500 && !problem.retryable;
    const telemetry::Fields fields = {
        {"request_id", problem.request_id},
        {"request", what},
        {"code", problem.code},
        {"addr", request.peer.address},
        {"err", problem.why},
    };
    if (ours) {
        handling->environment.log.error("admin request failed", fields);
    } else {
        handling->environment.log.info("admin request refused", fields);
    }
    co_return problem_response(problem);
}

}  // namespace

Result<std::uint64_t> number_of(
    const http::Parameters& query,
    std::string_view name,
    std::uint64_t otherwise,
    std::uint64_t most
) {
    const auto text = query.get(name);
    if (!text) return otherwise;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size() || value > most) {
        return malformed(
            fmt::format("{}: want a whole number up to {}, not \"{}\"", name, most, *text)
        );
    }
    return value;
}

Result<ChangeOptions> change_options(const http::Request& request, bool cascade, bool dry_run) {
    constexpr std::size_t kKeyBytesMax = 128;
    ChangeOptions options{
        .cascade = cascade,
        .dry_run = dry_run,
        .idempotency_key = std::string(request.headers.get("Idempotency-Key").value_or("")),
    };
    if (options.idempotency_key.size() > kKeyBytesMax) {
        return malformed(fmt::format("an Idempotency-Key has at most {} characters", kKeyBytesMax));
    }
    const auto match = request.headers.get("If-Match");
    if (!match || *match == "*") return options;
    std::string_view tag = *match;
    std::uint64_t revision = 0;
    const bool quoted = tag.size() > 2 && tag.front() == '"' && tag.back() == '"';
    if (quoted) tag = tag.substr(1, tag.size() - 2);
    const auto [end, error] = std::from_chars(tag.data(), tag.data() + tag.size(), revision);
    if (error != std::errc() || end != tag.data() + tag.size()) {
        return malformed(fmt::format("If-Match: want a revision such as \"17\", not {}", *match));
    }
    options.if_revision = revision;
    return options;
}

http::Response json_response(int status, std::string body) {
    auto response = http::Response::json(status, std::move(body));
    response.headers.set("Cache-Control", "no-store");
    return response;
}

http::Response problem_response(const api::Problem& problem) {
    auto response = json_response(static_cast<int>(problem.status), api::to_json(problem));
    response.headers.set("Content-Type", "application/problem+json");
    if (problem.retryable) response.headers.set("Retry-After", "1");
    if (problem.status == 401) response.headers.set("WWW-Authenticate", "Bearer");
    return response;
}

http::Response reply(const api::ChangeResult& result) {
    auto response = json_response(result.operation ? 202 : 200, api::to_json(result));
    if (result.operation) {
        response.headers.set("Location", "/admin/v1/operations/" + result.operation->id);
    }
    return response;
}

http::Handler make_handler(
    const api::Endpoint& endpoint,
    const Access* access,
    const RouteEnvironment& environment,
    Act act
) {
    const auto handling =
        std::make_shared<const Handling>(Handling{&endpoint, access, environment, std::move(act)});
    return [handling](http::Request& request) { return handle(handling, request); };
}

}  // namespace mimir::admin::detail
