#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "http/client.hpp"
#include "rpc/detail/breaker.hpp"
#include "rpc/detail/client_metrics.hpp"
#include "rpc/peer.hpp"

namespace mimir::rpc::detail {

/// What the peers of a pool share.
struct PeerEnvironment {
    PeerOptions options;
    runtime::IoThreads& io;
    telemetry::Logger log;
    ClientMetrics& metrics;
    const Clock& clock;
    /// Has the pool call tick() soon. Valid until close().
    std::function<void()> wake;
};

/// Invariants:
///
///   - A call is in `active_` from when it is sent until its answer is there, or its stream has ended;
///     in `queue_` before. Nothing is in either once closed.
///   - `untold_` counts the calls and health checks whose end this has not yet dealt with in full.
///   - Nobody is told anything, and the client is not entered, with the lock held.
class RemotePeer final : public Peer, public std::enable_shared_from_this<RemotePeer> {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    RemotePeer(std::string address, const PeerEnvironment& environment);
    ~RemotePeer() override;

    using Peer::call;
    void call(
        const RequestContext& context,
        std::string_view name,
        std::shared_ptr<const std::string> body,
        http::Headers headers,
        Done<std::string> done
    ) override;
    void open(
        const RequestContext& context,
        std::string_view name,
        std::shared_ptr<const std::string> body,
        http::Headers headers,
        Done<std::unique_ptr<FrameStream>> done
    ) override;
    [[nodiscard]] const std::string& address() const override { return address_; }
    [[nodiscard]] Result<void> state() const override;

    // For the pool, one at a time:

    /// Asks whether the peer lives, when it is time to. Gives up calls that wait for too long.
    void tick();
    /// Whether tick() is to be called again within some milliseconds.
    [[nodiscard]] bool is_waiting() const;
    /// Whether nothing is under way and nobody has called it since then.
    [[nodiscard]] bool is_unused_since(TimePoint time) const;
    /// Refuses new calls, and cancels those under way.
    void close();
    /// Blocks until all that were told to end have; streams aside.
    void wait_until_quiet();
    /// Ends the exposition of its metrics.
    void forget_metrics();

  private:
    struct Call;
    using CallPtr = std::shared_ptr<Call>;
    /// What a call tells of the peer's being there.
    enum class Reach : std::uint8_t { reached, failed, late, unknown };

    void begin(const CallPtr& call);
    Result<void> admit(const CallPtr& call, bool& waits);
    void send(const CallPtr& call);
    [[nodiscard]] http::ClientRequest request_of(const Call& call) const;
    void finish_call(const CallPtr& call, Result<http::ClientResponse> response);
    void finish_open(const CallPtr& call, Result<std::unique_ptr<http::ClientStream>> response);
    http::asio::awaitable<void> read_refusal(
        CallPtr call, std::unique_ptr<http::ClientStream> response
    );
    void stream_frames(const CallPtr& call, std::unique_ptr<http::ClientStream> response);

    /// True when the call is sent again, in another version of the protocol.
    bool negotiate(const CallPtr& call, const http::Headers& headers);
    void learn_protocol(const ProtocolRange& theirs);
    Result<std::string> read_answer(int status, const http::Headers& headers, std::string body);
    [[nodiscard]] Error explain(const Call& call, Error error) const;
    /// Takes the call out, notes how it went, and sends the next one.
    void end(const CallPtr& call, const Result<void>& how, Reach reach);
    static Reach reach_of(const Error& error);
    void note(Reach reach, const Error* error, TimePoint now);
    void told();
    CallMetrics& metrics_of(const std::string& name);
    void count(const Call& call, const Result<void>& how);
    void fail_all(const std::vector<CallPtr>& calls, const Error& why);

    void check_health();
    void finish_health_check(Result<http::ClientResponse> response);
    Result<void> read_hello(const http::ClientResponse& response);
    void give_up_all(const Error& why);
    void expose_state();

    const std::string address_;
    const PeerEnvironment& environment_;  // used while not closed
    const PeerOptions options_;
    const telemetry::Logger log_;
    std::optional<http::Client> client_;  // none for a malformed address
    Error malformed_;

    mutable std::mutex mutex_;
    std::condition_variable quiet_;
    Breaker breaker_;
    bool closed_ = false;
    std::unordered_set<CallPtr> active_;
    std::deque<CallPtr> queue_;
    std::size_t calls_sent_ = 0;  // of active_: those that are no streams
    std::size_t streams_ = 0;
    std::size_t request_bytes_ = 0;
    std::size_t untold_ = 0;
    TimePoint last_used_;
    TimePoint last_heard_;
    bool suspect_ = false;  // a call got no answer in time
    CancellationToken health_check_;
    bool checking_ = false;
    std::uint32_t protocol_;
    std::optional<Error> mismatch_;  // cluster or versions do not fit
    std::map<std::string, CallMetrics, std::less<>> call_metrics_;
    std::shared_ptr<telemetry::Counter> sent_bytes_;
    std::shared_ptr<telemetry::Gauge> in_flight_;
    std::shared_ptr<telemetry::Gauge> queued_;
    std::shared_ptr<telemetry::Gauge> circuit_open_;
};

}  // namespace mimir::rpc::detail
