#include "components/distributor/routes.hpp"

#include "components/distributor/ha_tracker_page.hpp"
#include "components/distributor/retry_after.hpp"
#include "http/error_status.hpp"
#include "rpc/completion.hpp"

namespace mimir::distributor {
namespace {

using http::Request;
using http::Response;

constexpr int kUnsupportedMediaType = 415;

/// Senders repeat what gets 429 or 5xx, and drop what gets another 4xx; so limits that time does not lift are 400.
int status_of(const Error& error) {
    if (error.id == Distributor::kRateLimited) return 429;
    if (error.id == Distributor::kMessageTooLarge) return 413;
    if (error.id == HaTracker::kNotElected) return 202;  // so that the sender goes on as if it were
    if (error.id.starts_with("distributor-max-") || error.id.starts_with("ingester-max-")) {
        return 500;  // a limit of an instance, which another may not have reached
    }
    switch (error.kind) {
        case ErrorKind::limit:
        case ErrorKind::conflict: return 400;
        case ErrorKind::timeout: return 500;
        default: return http::error_status(error.kind).status;
    }
}

/// "application/x-protobuf" of "application/x-protobuf; proto=prometheus.WriteRequest", and what comes after the ';'.
std::pair<std::string_view, std::string_view> split_media_type(std::string_view text) {
    const std::size_t semicolon = text.find(';');
    std::string_view type = text.substr(0, semicolon);
    std::string_view parameters =
        semicolon == std::string_view::npos ? std::string_view() : text.substr(semicolon + 1);
    while (type.ends_with(' ')) type.remove_suffix(1);
    while (parameters.starts_with(' ')) parameters.remove_prefix(1);
    return {type, parameters};
}

/// The answer to a request that is not remote write 1.0, if it is none.
std::optional<Response> refuse_encoding(const http::Headers& headers) {
    const std::string_view content_type = headers.get("Content-Type").value_or("");
    const auto [type, parameters] = split_media_type(content_type);
    const bool is_protobuf =
        type.empty() || http::equals_ignoring_case(type, "application/x-protobuf");
    if (!is_protobuf || (!parameters.empty() && parameters != "proto=prometheus.WriteRequest")) {
        return Response::text(
            kUnsupportedMediaType, fmt::format("unsupported content type: {}\n", content_type)
        );
    }
    const std::string_view encoding = headers.get("Content-Encoding").value_or("snappy");
    if (!http::equals_ignoring_case(encoding, "snappy")) {
        return Response::text(
            kUnsupportedMediaType, fmt::format("unsupported content encoding: {}\n", encoding)
        );
    }
    return {};
}

Response refusal(const Error& error, const Distributor& distributor, const http::Headers& headers) {
    Response response = Response::text(status_of(error), error.message + "\n");
    const bool retry = response.status == 429 || response.status / 100 == 5;
    if (retry && distributor.options().retry_after_enabled) {
        static thread_local SeededRandom random(random_seed());
        const auto wait =
            retry_after(distributor.options(), headers.get("Retry-Attempt").value_or(""), random);
        response.headers.set("Retry-After", std::to_string(wait.count()));
    }
    return response;
}

http::asio::awaitable<Response> ready(Response response) { co_return response; }

Response ha_tracker(const HaTracker* tracker, const Clock& clock, const Request& request) {
    const auto elected = tracker ? tracker->status() : std::vector<HaTracker::Status>();
    const auto accepted = request.headers.get("Accept").value_or("");
    if (accepted.find("application/json") != std::string_view::npos) {
        return Response::json(200, ha_tracker_json(elected, clock.now()));
    }
    Response page;
    page.headers.set("Content-Type", "text/html; charset=utf-8");
    page.body = ha_tracker_page(elected, tracker != nullptr, clock.now());
    return page;
}

http::asio::awaitable<Response> push(
    Distributor& distributor, runtime::Pool& ingest, Request& request
) {
    if (auto refused = refuse_encoding(request.headers)) co_return *std::move(refused);
    auto call = [&](rpc::Done<void> done) {
        distributor.push_remote_write(request.context, request.body, std::move(done));
    };
    const Result<void> pushed = co_await rpc::completion_on<void>(ingest, std::move(call));
    if (!pushed) co_return refusal(pushed.error(), distributor, request.headers);
    co_return Response{};
}

}  // namespace

std::vector<http::RouteRegistration> register_routes(
    http::Router& router,
    const http::Tenancy& tenancy,
    Distributor& distributor,
    const HaTracker* tracker,
    runtime::Pool& ingest
) {
    std::vector<http::RouteRegistration> routes;
    routes.push_back(router.add({
        .methods = {http::Method::post},
        .pattern = "/api/v1/push",
        .module = "distributor",
        .handler = http::for_tenants(
            tenancy,
            [&distributor, &ingest](Request& request) { return push(distributor, ingest, request); }
        ),
        .body_bytes_limit = distributor.options().max_recv_msg_size,
        .body_too_large = distributor.message_too_large().message,
    }));
    routes.push_back(router.add({
        .methods = {http::Method::get},
        .pattern = "/distributor/ha_tracker",
        .module = "distributor",
        .handler = [tracker](Request& request) -> http::asio::awaitable<Response> {
            return ready(ha_tracker(tracker, system_clock(), request));
        },
    }));
    return routes;
}

}  // namespace mimir::distributor
