#include "ctl/public_api.hpp"

#include "api/endpoints.hpp"
#include "ctl/output/query_result.hpp"

namespace mimir::ctl {
namespace {

constexpr std::chrono::seconds kPatience(150);  // longer than a query may take
constexpr std::size_t kTextLimit = 500;

Outcome<PublicApi> parse_url(std::string_view url) {
    const std::string_view scheme = "://";
    const std::size_t host =
        url.find(scheme) == std::string_view::npos ? 0 : url.find(scheme) + scheme.size();
    const std::size_t slash = std::min(url.find('/', host), url.size());
    std::string path(url.substr(slash));
    while (path.ends_with('/')) path.pop_back();
    auto endpoint = http::Endpoint::parse(url.substr(0, slash));
    if (!endpoint) {  // its sentence would offer sockets, which the public API does not have
        return usage(fmt::format(
            "--url: \"{}\" is no address: want http://HOST:PORT, https://HOST:PORT or HOST:PORT, "
            "and a path behind it where there is one",
            url
        ));
    }
    PublicApi api{.endpoint = *std::move(endpoint)};
    if (path.ends_with("/prometheus"))
        path.resize(path.size() - std::string_view("/prometheus").size());
    api.base = std::move(path);
    return api;
}

/// Who listens on every address is reached on this machine's own, or on that of the admin API.
void make_reachable(http::Endpoint& endpoint, const http::Endpoint& admin) {
    const bool is_any =
        endpoint.host == "0.0.0.0" || endpoint.host == "::" || endpoint.host.empty();
    if (!is_any) return;
    if (!admin.host.empty()) {
        endpoint.host = admin.host;
    } else {
        endpoint.host = endpoint.host == "::" ? "::1" : "127.0.0.1";
    }
}

/// "module X is not running", of a route, and "no querier is running", of who would have asked it: the public API has
/// no codes that set these apart from a lost quorum or a time-out.
bool says_not_running(std::string_view why) {
    return (why.starts_with("module ") && why.ends_with(" is not running")) ||
           (why.starts_with("no ") && why.ends_with(" is running"));
}

Failure refused(const http::ClientResponse& response) {
    std::string why = error_text_of(response.body);
    if (why.empty()) why = response.body.substr(0, kTextLimit);
    while (why.ends_with('\n')) why.pop_back();
    if (why.empty()) why = http::reason_phrase(response.status);
    Failure failure{
        .exit_code = exit_code_of(response.status),
        .what = fmt::format("the public API answers {}", response.status),
        .why = std::move(why),
    };
    if (response.status == 503 && says_not_running(failure.why)) {
        failure.exit_code = ExitCode::not_found;
        failure.next_steps.emplace_back(
            "`mimirctl modules` says what runs, `mimirctl start MODULE` starts it"
        );
    }
    return failure;
}

}  // namespace

Outcome<PublicApi> find_public_api(Context& context) {
    if (const auto url = context.invocation().value("--url")) return parse_url(*url);
    MIMIR_TRY(const std::string json, context.send({.endpoint = api::kGetStatus}));
    MIMIR_TRY(const auto status, context.decode<api::Status>(json));
    if (status.http_address.empty()) {
        return tl::unexpected(Failure{
            .exit_code = ExitCode::not_found,
            .why = "mimird does not serve its public API now",
            .next_steps = {"`mimirctl status` says what runs"},
        });
    }
    // "[::]:8080" and ":8080" are spellings of every address.
    const bool is_short = status.http_address.starts_with(':');
    auto endpoint =
        http::Endpoint::parse(is_short ? "0.0.0.0" + status.http_address : status.http_address);
    if (!endpoint) {
        return tl::unexpected(
            Failure{.what = "the public API's address", .why = endpoint.error().message}
        );
    }
    PublicApi api{.endpoint = *std::move(endpoint), .prometheus_prefix = status.prometheus_prefix};
    MIMIR_TRY(const Connection* connection, context.connection());
    make_reachable(api.endpoint, connection->daemon().endpoint);
    return api;
}

Outcome<std::string> send_public(
    Context& context, const PublicApi& api, http::ClientRequest request
) {
    if (const auto tenant = context.invocation().value("--tenant"))
        request.headers.add("X-Scope-OrgID", *tenant);
    http::BlockingClient client(api.endpoint);
    const auto token = CancellationToken::create(std::chrono::steady_clock::now() + kPatience);
    auto response = client.send(std::move(request), token);
    if (!response && response.error().kind == ErrorKind::invalid)
        return usage(response.error().message);
    if (!response) {
        return tl::unexpected(Failure{
            .exit_code = ExitCode::unreachable,
            .what = "the public API cannot be reached",
            .why = response.error().message,
            .next_steps = {"`mimirctl status` says where it listens; --url says it otherwise"},
        });
    }
    if (response->status / 100 != 2) return tl::unexpected(refused(*response));
    return std::move(response->body);
}

}  // namespace mimir::ctl
