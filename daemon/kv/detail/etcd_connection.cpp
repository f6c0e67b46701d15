#include "kv/detail/etcd_connection.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace mimir::kv::detail {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// An endpoint that failed is not tried for this long, doubled with each failure, while others are there.
constexpr auto kBackoffFirst = 100ms;
constexpr auto kBackoffMax = 5s;
constexpr std::uint32_t kDoublingsMax = 6;

/// An answer is taken as proof that the endpoint lives for this long.
constexpr auto kProofValid = 2s;

/// Endpoints are tried twice: a connection that was kept to one may be dead.
constexpr int kRounds = 2;

/// Each attempt has a part of the time, so that an endpoint that is silent leaves some for the others.
constexpr auto kAttemptMin = 500ms;

constexpr std::size_t kAnswerBytesMax = 64 << 20;
constexpr std::size_t kRefusalBytesMax = 64 << 10;

}  // namespace

EtcdConnection::EtcdConnection(
    runtime::IoThreads& io,
    const EtcdOptions& options,
    std::shared_ptr<const http::TlsClientContext> tls,
    telemetry::Logger log
)
    : options_(options), log_(std::move(log)) {
    for (const std::string& text : options_.endpoints) {
        auto endpoint = etcd_endpoint(text, options_.tls_enabled);
        MIMIR_ASSERT(endpoint.has_value(), "endpoints are checked before");
        clients_.push_back(std::make_unique<http::Client>(
            io,
            *std::move(endpoint),
            http::ClientOptions{
                .connect_timeout = options_.dial_timeout,
                .response_bytes_limit = kAnswerBytesMax,
                .tls = tls,
            }
        ));
    }
    MIMIR_ASSERT(!clients_.empty(), "endpoints are checked before");
    state_.with([&](State& state) { state.standings.resize(clients_.size()); });
}

EtcdConnection::~EtcdConnection() = default;

asio::awaitable<Result<std::string>> EtcdConnection::ask(
    std::string path, std::string body, CancellationToken token
) {
    const auto share = std::max<steady_clock::duration>(
        options_.request_timeout / (kRounds * static_cast<int>(clients_.size())), kAttemptMin
    );
    Error last;
    for (int round = 0; round < kRounds; ++round) {
        for (const std::size_t endpoint : order()) {
            const auto limited = token.with_deadline(steady_clock::now() + share);
            auto answer = co_await exchange(endpoint, path, body, limited);
            if (answer && !answer->refusal) co_return std::move(answer->body);
            last = answer ? said_by(endpoint, *answer->refusal) : std::move(answer).error();
            const bool for_good = answer && answer->refusal->kind != RefusalKind::not_now;
            if (for_good) co_return tl::unexpected(std::move(last));
            MIMIR_CO_TRY(with_context(token.check(), last.message));
        }
    }
    last.kind = ErrorKind::unavailable;
    co_return tl::unexpected(std::move(last));
}

asio::awaitable<Result<std::string>> EtcdConnection::tell(
    std::string path, std::string body, CancellationToken token
) {
    const std::size_t endpoint = preferred();
    auto answer = co_await exchange(endpoint, path, body, token);
    if (!answer) co_return tl::unexpected(std::move(answer).error());
    if (answer->refusal) co_return tl::unexpected(said_by(endpoint, *answer->refusal));
    co_return std::move(answer->body);
}

bool EtcdConnection::was_proven_lately() const {
    return state_.with([](const State& state) {
        return steady_clock::now() - state.standings[state.preferred].proven < kProofValid;
    });
}

asio::awaitable<Result<std::unique_ptr<http::ClientStream>>> EtcdConnection::open(
    std::string path, std::string body, CancellationToken token
) {
    const std::size_t endpoint = preferred();
    auto stream = co_await clients_[endpoint]->open(request(path, body), token);
    if (!stream) {
        note(endpoint, false);
        co_return tl::unexpected(std::move(stream).error());
    }
    if ((*stream)->status() == 200) co_return std::move(stream);
    std::string text;
    while (text.size() < kRefusalBytesMax) {
        MIMIR_CO_TRY(const std::string_view piece, co_await (*stream)->read());
        if (piece.empty()) break;
        text += piece;
    }
    const Refusal refusal = parse_refusal((*stream)->status(), text);
    if (refusal.kind == RefusalKind::no_token) drop_token();
    if (refusal.kind == RefusalKind::not_now) note(endpoint, false);
    co_return tl::unexpected(said_by(endpoint, refusal));
}

void EtcdConnection::drop_token() {
    state_.with([](State& state) {
        state.auth_token.clear();
        state.auth_is_off = false;
    });
}

std::string EtcdConnection::to_string() const {
    std::string text;
    for (const auto& client : clients_) {
        text += (text.empty() ? "" : ", ") + client->endpoint().to_string();
    }
    return text;
}

/// With a new token where etcd asks for one.
asio::awaitable<Result<EtcdConnection::Answer>> EtcdConnection::exchange(
    std::size_t endpoint, const std::string& path, const std::string& body, CancellationToken token
) {
    const bool needs_token = !options_.username.empty() && state_.with([](const State& state) {
        return state.auth_token.empty() && !state.auth_is_off;
    });
    if (needs_token) MIMIR_CO_TRY(co_await authenticate(endpoint, token));
    auto answer = co_await post(endpoint, path, body, token);
    const bool refused =
        answer && answer->refusal && answer->refusal->kind == RefusalKind::no_token;
    if (!refused || options_.username.empty()) co_return answer;
    drop_token();
    MIMIR_CO_TRY(co_await authenticate(endpoint, token));
    co_return co_await post(endpoint, path, body, token);
}

asio::awaitable<Result<EtcdConnection::Answer>> EtcdConnection::post(
    std::size_t endpoint, const std::string& path, const std::string& body, CancellationToken token
) {
    auto response = co_await clients_[endpoint]->send(request(path, body), token);
    if (!response) {
        if (response.error().kind != ErrorKind::canceled) note(endpoint, false);
        if (response.error().kind == ErrorKind::timeout) {
            response.error().message =
                fmt::format("{}: no answer in time", clients_[endpoint]->endpoint().to_string());
        }
        co_return tl::unexpected(std::move(response).error());
    }
    Answer answer{.body = std::move(response->body)};
    if (response->status != 200) answer.refusal = parse_refusal(response->status, answer.body);
    note(endpoint, !answer.refusal || answer.refusal->kind != RefusalKind::not_now);
    co_return answer;
}

asio::awaitable<Result<void>> EtcdConnection::authenticate(
    std::size_t endpoint, CancellationToken token
) {
    const std::string path = "/v3/auth/authenticate";
    const std::string body = authenticate_request(options_.username, options_.password);
    MIMIR_CO_TRY(const auto answer, co_await post(endpoint, path, body, token));
    if (!answer.refusal) {
        MIMIR_CO_TRY(std::string auth_token, parse_token(answer.body));
        state_.with([&](State& state) { state.auth_token = std::move(auth_token); });
        co_return Result<void>();
    }
    if (answer.refusal->kind == RefusalKind::auth_off) {
        const bool was_off =
            state_.with([](State& state) { return std::exchange(state.auth_is_off, true); });
        if (!was_off) log_.warn("etcd asks for no password, though one is configured", {});
        co_return Result<void>();
    }
    Error error = said_by(endpoint, *answer.refusal);
    error.kind = ErrorKind::unavailable;
    co_return tl::unexpected(error.with_context("authenticating"));
}

http::ClientRequest EtcdConnection::request(const std::string& path, const std::string& body)
    const {
    http::ClientRequest request{
        .method = http::Method::post,
        .target = path,
        .headers =
            {{"Content-Type", "application/json"},
             // A member without a leader ends a watch, rather than be silent.
             {"Grpc-Metadata-Hasleader", "true"}},
        .body = body,
    };
    const std::string token = state_.with([](const State& state) { return state.auth_token; });
    if (!token.empty()) request.headers.add("Authorization", token);
    return request;
}

/// The preferred endpoint and those behind it; those that failed lately last.
std::vector<std::size_t> EtcdConnection::order() const {
    return state_.with([](const State& state) {
        const std::size_t count = state.standings.size();
        const auto now = steady_clock::now();
        std::vector<std::size_t> order;
        for (const bool failed_lately : {false, true}) {
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t endpoint = (state.preferred + i) % count;
                if ((state.standings[endpoint].not_before > now) == failed_lately)
                    order.push_back(endpoint);
            }
        }
        return order;
    });
}

std::size_t EtcdConnection::preferred() const { return order().front(); }

void EtcdConnection::note(std::size_t endpoint, bool answered) {
    const auto now = steady_clock::now();
    state_.with([&](State& state) {
        Standing& standing = state.standings[endpoint];
        if (answered) {
            standing = {.proven = now};
            state.preferred = endpoint;
            return;
        }
        const auto backoff = kBackoffFirst * (1 << std::min(standing.failures, kDoublingsMax));
        ++standing.failures;
        standing.not_before = now + std::min<steady_clock::duration>(backoff, kBackoffMax);
        standing.proven = {};
        if (state.preferred == endpoint) state.preferred = (endpoint + 1) % state.standings.size();
    });
}

Error EtcdConnection::said_by(std::size_t endpoint, const Refusal& refusal) const {
    const bool no_lease = refusal.kind == RefusalKind::no_lease;
    return {
        no_lease ? ErrorKind::not_found : ErrorKind::unavailable,
        {},
        fmt::format("{}: {}", clients_[endpoint]->endpoint().to_string(), refusal.message)
    };
}

Result<http::Endpoint> etcd_endpoint(std::string_view text, bool tls_enabled) {
    MIMIR_TRY(auto endpoint, http::Endpoint::parse(text));
    if (!endpoint.unix_path.empty()) {
        return fail(
            ErrorKind::invalid, "\"{}\" is a unix socket, which etcd's gateway has not", text
        );
    }
    if (text.find("://") == std::string_view::npos) endpoint.tls = tls_enabled;
    return endpoint;
}

}  // namespace mimir::kv::detail
