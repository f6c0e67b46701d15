#include "rpc/peer.hpp"

#include <unordered_map>

#include "base/guarded.hpp"
#include "rpc/detail/await_done.hpp"
#include "rpc/detail/remote_peer.hpp"
#include "runtime/bell.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::rpc {

using detail::RemotePeer;

Error without_peer(Error error) {
    if (error.id == kPeerUnreachable) error.id = {};
    return error;
}

http::asio::awaitable<Result<std::string>> Peer::call(
    RequestContext context, std::string name, std::string body, http::Headers headers
) {
    context.cancellation = context.cancellation.child();
    auto shared_body = std::make_shared<const std::string>(std::move(body));
    auto begin = [&](Done<std::string> done) {
        call(context, name, std::move(shared_body), std::move(headers), std::move(done));
    };
    co_return co_await detail::await_done<std::string>(context.cancellation, begin);
}

/// Looks after the peers: one task, which sleeps between what is due.
class PeerPool::Impl {
  public:
    Impl(PeerOptions options, Environment environment);
    ~Impl();

    std::shared_ptr<Peer> at(std::string_view address);

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Peers =
        std::unordered_map<std::string, std::shared_ptr<RemotePeer>, Hash, std::equal_to<>>;

    asio::awaitable<void> look_after();
    [[nodiscard]] std::vector<std::shared_ptr<RemotePeer>> all() const;
    void forget_unused();

    telemetry::MetricScope scope_;
    detail::ClientMetrics metrics_;
    runtime::Bell bell_;
    const detail::PeerEnvironment environment_;
    Guarded<Peers> peers_;
    runtime::TaskScope tasks_;
};

namespace {

/// How long a queued call may outlive its deadline.
constexpr std::chrono::milliseconds kQueueTick(20);
/// What health checks may be late.
constexpr std::chrono::milliseconds kTickMax(250);

}  // namespace

PeerPool::Impl::Impl(PeerOptions options, Environment environment)
    : scope_(environment.registry),
      metrics_(scope_),
      environment_{
          .options = std::move(options),
          .io = environment.io,
          .log = std::move(environment.log),
          .metrics = metrics_,
          .clock = environment.clock,
          .wake = [this] { bell_.ring(); }
      },
      tasks_(environment.io) {
    tasks_.spawn(look_after());
}

PeerPool::Impl::~Impl() {
    tasks_.stop();
    const auto peers = peers_.with([](Peers& all) { return std::exchange(all, {}); });
    for (const auto& [address, peer] : peers) peer->close();
    for (const auto& [address, peer] : peers) peer->wait_until_quiet();
}

std::shared_ptr<Peer> PeerPool::Impl::at(std::string_view address) {
    return peers_.with([&](Peers& peers) {
        const auto known = peers.find(address);
        if (known != peers.end()) return known->second;
        std::string name(address);
        auto peer = std::make_shared<RemotePeer>(name, environment_);
        return peers.emplace(std::move(name), std::move(peer)).first->second;
    });
}

std::vector<std::shared_ptr<RemotePeer>> PeerPool::Impl::all() const {
    return peers_.with([](const Peers& peers) {
        std::vector<std::shared_ptr<RemotePeer>> list;
        list.reserve(peers.size());
        for (const auto& [address, peer] : peers) list.push_back(peer);
        return list;
    });
}

asio::awaitable<void> PeerPool::Impl::look_after() {
    const PeerOptions& options = environment_.options;
    const auto usual =
        std::min({kTickMax, options.health_check_interval, options.breaker_open_min});
    for (;;) {
        const std::uint64_t seen = bell_.rings();
        bool waiting = false;
        for (const auto& peer : all()) {
            peer->tick();
            waiting = waiting || peer->is_waiting();
        }
        forget_unused();
        co_await bell_.wait(seen, waiting ? kQueueTick : std::max(usual, kQueueTick));
    }
}

void PeerPool::Impl::forget_unused() {
    const auto last = environment_.clock.steady_now() - environment_.options.forget_after;
    std::vector<std::shared_ptr<RemotePeer>> forgotten;
    peers_.with([&](Peers& peers) {
        std::erase_if(peers, [&](const auto& entry) {
            // Nobody else holds it, so nobody can call it.
            if (entry.second.use_count() != 1 || !entry.second->is_unused_since(last)) return false;
            entry.second->forget_metrics();
            forgotten.push_back(entry.second);
            return true;
        });
    });
}

PeerPool::PeerPool(PeerOptions options, Environment environment)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(environment))) {}
PeerPool::~PeerPool() = default;

std::shared_ptr<Peer> PeerPool::at(std::string_view address) { return impl_->at(address); }

}  // namespace mimir::rpc
