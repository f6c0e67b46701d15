#include "kv/detail/etcd_watch.hpp"

#include <algorithm>

#include "runtime/task_scope.hpp"

namespace mimir::kv::detail {
namespace {

using namespace std::chrono_literals;

constexpr auto kPauseFirst = 100ms;
constexpr auto kPauseMax = 3s;

/// Of one answer on a stream: some of the largest values at once.
constexpr std::size_t kLineBytesMax = 64 << 20;

}  // namespace

EtcdWatch::EtcdWatch(
    EtcdConnection& etcd,
    std::string prefix,
    Watcher& watcher,
    std::chrono::milliseconds renewal,
    std::chrono::milliseconds request_timeout,
    telemetry::Logger log
)
    : etcd_(etcd),
      prefix_(std::move(prefix)),
      watcher_(watcher),
      renewal_(renewal),
      request_timeout_(request_timeout),
      log_(std::move(log)) {}

asio::awaitable<void> EtcdWatch::run() {
    auto pause = kPauseFirst;
    for (;;) {
        const auto outcome = co_await follow();
        if (outcome) {
            pause = kPauseFirst;
            continue;
        }
        report(outcome);
        co_await runtime::sleep_for(pause);
        pause = std::min<std::chrono::milliseconds>(pause * 2, kPauseMax);
    }
}

/// One stream, from its beginning to its end. An error when there is no reaching etcd.
asio::awaitable<Result<void>> EtcdWatch::follow() {
    if (next_ != 0) MIMIR_CO_TRY(co_await check());
    if (next_ == 0) MIMIR_CO_TRY(co_await list());

    created_ = false;
    const auto until = std::chrono::steady_clock::now() + renewal_;
    const auto token = CancellationToken::create(until);
    const std::string request = watch_request(prefix_, next_);
    MIMIR_CO_TRY(const auto stream, co_await etcd_.open("/v3/watch", request, token));
    auto read_all = co_await read(*stream);
    if (read_all || read_all.error().kind == ErrorKind::timeout) {
        if (created_) co_return Result<void>();
        co_return fail(ErrorKind::unavailable, "etcd does not begin the watch of {}", prefix_);
    }
    // A stream that broke is no news as long as the next one begins.
    if (!created_) co_return read_all;
    log_.debug("watch of etcd broke", {{"prefix", prefix_}, {"err", read_all.error()}});
    co_await runtime::sleep_for(kPauseFirst);
    co_return Result<void>();
}

asio::awaitable<Result<void>> EtcdWatch::list() {
    const std::string request = list_request(prefix_);
    MIMIR_CO_TRY(const auto body, co_await etcd_.ask("/v3/kv/range", request, deadline()));
    MIMIR_CO_TRY(auto all, parse_range(body));
    known_.clear();
    for (const Entry& entry : all.entries) known_[entry.key] = entry.version;
    next_ = all.revision + 1;
    report({});
    watcher_.updated({.complete = true, .changed = std::move(all.entries)});
    co_return Result<void>();
}

asio::awaitable<Result<void>> EtcdWatch::check() {
    const std::string request = newest_request(prefix_);
    MIMIR_CO_TRY(const auto body, co_await etcd_.ask("/v3/kv/range", request, deadline()));
    MIMIR_CO_TRY(const auto newest, parse_range(body));
    std::uint64_t known_version = kAbsent;
    for (const auto& [key, version] : known_) known_version = std::max(known_version, version);
    const std::uint64_t version = newest.entries.empty() ? kAbsent : newest.entries.front().version;
    const bool is_known = newest.count == known_.size() && version == known_version;
    if (newest.revision + 1 < next_) {
        log_.warn(
            "etcd went back in time: reading it anew",
            {{"prefix", prefix_}, {"revision", newest.revision}, {"known", next_ - 1}}
        );
        next_ = 0;
    } else if (is_known) {
        // Else the watch would begin at a revision that is compacted away sooner or later.
        next_ = newest.revision + 1;
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> EtcdWatch::read(http::ClientStream& stream) {
    std::string buffer;
    for (;;) {
        MIMIR_CO_TRY(const std::string_view piece, co_await stream.read());
        if (piece.empty()) co_return fail(ErrorKind::unavailable, "etcd ended the watch");
        buffer += piece;
        std::size_t begin = 0;
        for (auto end = buffer.find('\n'); end != std::string::npos;
             end = buffer.find('\n', begin)) {
            if (end > begin)
                MIMIR_CO_TRY(take(std::string_view(buffer).substr(begin, end - begin)));
            begin = end + 1;
        }
        buffer.erase(0, begin);
        if (buffer.size() > kLineBytesMax) {
            co_return fail(ErrorKind::unavailable, "an answer of etcd has no end");
        }
    }
}

Result<void> EtcdWatch::take(std::string_view line) {
    MIMIR_TRY(auto answer, parse_watch(line));
    if (answer.ended) {
        if (answer.compacted) {
            log_.info(
                "etcd compacted what a watch has missed: reading it anew", {{"prefix", prefix_}}
            );
            next_ = 0;
        } else {
            etcd_.drop_token();
            created_ = false;  // etcd creates a watch before it looks whether it is allowed
        }
        return tl::unexpected(*std::move(answer.ended));
    }
    if (answer.created) {
        created_ = true;
        report({});
    }
    auto& [complete, changed, removed] = answer.update;
    // After a check that met an event on its way, etcd repeats what is known.
    std::erase_if(changed, [this](const Entry& entry) { return entry.version < next_; });
    for (const Entry& entry : changed) known_[entry.key] = entry.version;
    for (const std::string& key : removed) known_.erase(key);
    next_ = std::max(next_, answer.revision + 1);
    if (!changed.empty() || !removed.empty()) watcher_.updated(answer.update);
    return {};
}

void EtcdWatch::report(const Result<void>& state) {
    if (reachable_ == state.has_value()) return;
    if (!state) {
        log_.warn(
            "etcd can't be reached",
            {{"prefix", prefix_}, {"addr", etcd_.to_string()}, {"err", state.error()}}
        );
    } else if (reachable_) {
        log_.info("etcd can be reached again", {{"prefix", prefix_}});
    }
    reachable_ = state.has_value();
    watcher_.reachable(state);
}

CancellationToken EtcdWatch::deadline() const {
    return CancellationToken::create(std::chrono::steady_clock::now() + request_timeout_);
}

}  // namespace mimir::kv::detail
