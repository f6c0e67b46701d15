#include "kv/etcd.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.hpp"
#include "base/guarded.hpp"
#include "kv/detail/etcd_connection.hpp"
#include "kv/detail/etcd_watch.hpp"
#include "runtime/run_on.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::kv {
namespace {

using detail::EtcdConnection;
using std::chrono::steady_clock;

/// A lease of ours, for one key: kept alive by each write of it.
struct Lease {
    std::int64_t id = 0;
    std::chrono::seconds time_to_live{};
    steady_clock::time_point expires;
};

using Leases = std::map<std::string, Lease, std::less<>>;

/// What the store promises: a conflict, or that etcd is not to be reached.
template <class T>
Result<T> as_promised(Result<T> result) {
    if (!result && result.error().kind != ErrorKind::conflict)
        result.error().kind = ErrorKind::unavailable;
    return result;
}

}  // namespace

struct EtcdKvStore::State {
    State(
        runtime::IoThreads& the_io,
        const EtcdOptions& options,
        std::shared_ptr<const http::TlsClientContext> tls,
        telemetry::Logger the_log,
        Tuning the_tuning
    )
        : io(the_io),
          request_timeout(options.request_timeout),
          log(std::move(the_log)),
          tuning(the_tuning),
          etcd(io, options, std::move(tls), log) {}

    [[nodiscard]] CancellationToken deadline() const {
        return CancellationToken::create(steady_clock::now() + request_timeout);
    }

    asio::awaitable<Result<std::vector<Entry>>> range(std::string request);
    asio::awaitable<Result<std::uint64_t>> put(
        std::string key, std::uint64_t expected, std::string value, WriteOptions options
    );
    asio::awaitable<Result<void>> remove(std::string key, std::uint64_t expected);
    asio::awaitable<Result<void>> prove(const std::string& key, CancellationToken token);
    asio::awaitable<Result<std::int64_t>> lease_for(
        const std::string& key, std::chrono::milliseconds time_to_live, CancellationToken token
    );
    asio::awaitable<Result<std::int64_t>> grant(
        const std::string& key, std::chrono::seconds time_to_live, CancellationToken token
    );

    runtime::IoThreads& io;
    const std::chrono::milliseconds request_timeout;
    const telemetry::Logger log;
    const Tuning tuning;
    EtcdConnection etcd;
    Guarded<Leases> leases;
};

asio::awaitable<Result<std::vector<Entry>>> EtcdKvStore::State::range(std::string request) {
    MIMIR_CO_TRY(
        const auto body, co_await etcd.ask("/v3/kv/range", std::move(request), deadline())
    );
    MIMIR_CO_TRY(auto answer, detail::parse_range(body));
    co_return std::move(answer.entries);
}

asio::awaitable<Result<std::uint64_t>> EtcdKvStore::State::put(
    std::string key, std::uint64_t expected, std::string value, WriteOptions options
) {
    const auto token = deadline();
    for (bool again = false;; again = true) {
        detail::PutRequest put{.key = key, .expected = expected, .value = value};
        if (options.time_to_live) {
            MIMIR_CO_TRY(put.lease, co_await lease_for(key, *options.time_to_live, token));
        }
        MIMIR_CO_TRY(co_await prove(key, token));
        const auto body = co_await etcd.tell("/v3/kv/txn", put_request(put), token);
        const bool no_lease = !body && body.error().kind == ErrorKind::not_found;
        if (no_lease && !again) {
            // It ran out since it was kept alive. Nothing was written.
            leases.with([&](Leases& all) { all.erase(key); });
            continue;
        }
        if (!body) co_return tl::unexpected(body.error());
        MIMIR_CO_TRY(const auto answer, detail::parse_txn(*body));
        if (answer.succeeded) co_return answer.revision;
        co_return fail(
            ErrorKind::conflict, "{} has version {}, not {}", key, answer.present, expected
        );
    }
}

asio::awaitable<Result<void>> EtcdKvStore::State::remove(std::string key, std::uint64_t expected) {
    const auto token = deadline();
    MIMIR_CO_TRY(co_await prove(key, token));
    const std::string request = detail::remove_request(key, expected);
    MIMIR_CO_TRY(const auto body, co_await etcd.tell("/v3/kv/txn", request, token));
    MIMIR_CO_TRY(const auto answer, detail::parse_txn(body));
    if (answer.succeeded || answer.present == kAbsent) {
        leases.with([&](Leases& all) { all.erase(key); });
        co_return Result<void>();
    }
    co_return fail(ErrorKind::conflict, "{} has version {}, not {}", key, answer.present, expected);
}

/// A write is sent once, because nobody could say whether a first one was done. So look for an
/// endpoint that answers before, with a question that can be asked again.
asio::awaitable<Result<void>> EtcdKvStore::State::prove(
    const std::string& key, CancellationToken token
) {
    if (etcd.was_proven_lately()) co_return Result<void>();
    const std::string request = detail::get_request(key);
    auto answer = co_await etcd.ask("/v3/kv/range", request, token);
    if (!answer) co_return tl::unexpected(std::move(answer).error());
    co_return Result<void>();
}

asio::awaitable<Result<std::int64_t>> EtcdKvStore::State::lease_for(
    const std::string& key, std::chrono::milliseconds time_to_live, CancellationToken token
) {
    const auto seconds =
        std::max(std::chrono::ceil<std::chrono::seconds>(time_to_live), std::chrono::seconds(1));
    const Lease held = leases.with([&](const Leases& all) {
        const auto at = all.find(key);
        return at == all.end() ? Lease() : at->second;
    });
    if (held.id == 0 || held.time_to_live != seconds) {
        co_return co_await grant(key, seconds, token);
    }
    const std::string request = detail::keepalive_request(held.id);
    MIMIR_CO_TRY(const auto body, co_await etcd.ask("/v3/lease/keepalive", request, token));
    MIMIR_CO_TRY(const bool lives, detail::parse_keepalive(body));
    if (!lives) co_return co_await grant(key, seconds, token);
    leases.with([&](Leases& all) { all[key].expires = steady_clock::now() + seconds; });
    co_return held.id;
}

asio::awaitable<Result<std::int64_t>> EtcdKvStore::State::grant(
    const std::string& key, std::chrono::seconds time_to_live, CancellationToken token
) {
    const std::string request = detail::grant_request(time_to_live);
    MIMIR_CO_TRY(const auto body, co_await etcd.ask("/v3/lease/grant", request, token));
    MIMIR_CO_TRY(const std::int64_t id, detail::parse_grant(body));
    const auto now = steady_clock::now();
    leases.with([&](Leases& all) {
        std::erase_if(all, [&](const auto& each) { return each.second.expires < now; });
        all[key] = {.id = id, .time_to_live = time_to_live, .expires = now + time_to_live};
    });
    co_return id;
}

Result<std::unique_ptr<EtcdKvStore>> EtcdKvStore::create(
    runtime::IoThreads& io, const EtcdOptions& options, telemetry::Logger log, Tuning tuning
) {
    if (options.endpoints.empty()) return fail(ErrorKind::invalid, "etcd without endpoints");
    bool any_tls = false;
    for (const std::string& text : options.endpoints) {
        MIMIR_TRY(const auto endpoint, detail::etcd_endpoint(text, options.tls_enabled));
        any_tls |= endpoint.tls;
    }
    std::shared_ptr<const http::TlsClientContext> tls;
    if (any_tls) {
        MIMIR_TRY(
            tls,
            http::TlsClientContext::load({
                .ca_file = options.tls_ca_path,
                .certificate_file = options.tls_cert_path,
                .key_file = options.tls_key_path,
                .server_name = options.tls_server_name,
                .insecure_skip_verify = options.tls_insecure_skip_verify,
            })
        );
    }
    auto state = std::make_shared<State>(io, options, std::move(tls), std::move(log), tuning);
    return std::unique_ptr<EtcdKvStore>(new EtcdKvStore(std::move(state)));
}

EtcdKvStore::EtcdKvStore(std::shared_ptr<State> state) : state_(std::move(state)) {}

EtcdKvStore::~EtcdKvStore() = default;

Result<std::optional<Entry>> EtcdKvStore::get(std::string_view key) {
    auto entries = as_promised(runtime::wait(state_->io, state_->range(detail::get_request(key))));
    if (!entries) return tl::unexpected(std::move(entries).error());
    if (entries->empty()) return std::nullopt;
    return std::move(entries->front());
}

Result<std::vector<Entry>> EtcdKvStore::list(std::string_view prefix) {
    return as_promised(runtime::wait(state_->io, state_->range(detail::list_request(prefix))));
}

Result<std::uint64_t> EtcdKvStore::compare_and_swap(
    std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
) {
    MIMIR_ASSERT(!key.empty() && value.size() <= kValueBytesMax, "keys and values fit");
    auto put = state_->put(std::string(key), expected, std::move(value), options);
    return as_promised(runtime::wait(state_->io, std::move(put)));
}

Result<void> EtcdKvStore::remove(std::string_view key, std::uint64_t expected) {
    return as_promised(runtime::wait(state_->io, state_->remove(std::string(key), expected)));
}

std::unique_ptr<KvStore::Watch> EtcdKvStore::watch(std::string prefix, Watcher& watcher) {
    struct Following final : Watch {
        Following(std::shared_ptr<State> the_state, std::string prefix, Watcher& watcher)
            : state(std::move(the_state)),
              watch(
                  state->etcd,
                  std::move(prefix),
                  watcher,
                  state->tuning.watch_renewal,
                  state->request_timeout,
                  state->log
              ),
              tasks(state->io) {
            tasks.spawn(watch.run());
        }
        std::shared_ptr<State> state;
        detail::EtcdWatch watch;
        runtime::TaskScope tasks;  // ends before what its task uses
    };
    return std::make_unique<Following>(state_, std::move(prefix), watcher);
}

std::string EtcdKvStore::describe() const { return "etcd " + state_->etcd.to_string(); }

}  // namespace mimir::kv
