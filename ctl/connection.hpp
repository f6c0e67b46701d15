#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/endpoint.hpp"
#include "base/cancellation.hpp"
#include "ctl/environment.hpp"
#include "ctl/outcome.hpp"
#include "http/client.hpp"

namespace mimir::ctl {

/// Which daemon is meant, and how to prove who asks.
struct Daemon {
    http::Endpoint endpoint;
    http::ClientOptions client = {};
    /// As the user spelled it.
    std::string name;
    /// Sockets that were looked for, when none was named.
    std::vector<std::string> looked_for = {};
    /// Sent as a bearer token; empty for none.
    std::string token = {};
};

struct DaemonOptions {
    std::optional<std::string_view> socket;
    std::optional<std::string_view> token_file;
    /// Of https addresses; PEM.
    std::optional<std::string_view> ca_file;
    std::optional<std::string_view> certificate_file;
    std::optional<std::string_view> key_file;
};

/// --socket, else MIMIRCTL_SOCKET, else the system's socket for root and where it exists, else the user's own.
/// Errors: usage.
Outcome<Daemon> choose_daemon(const DaemonOptions& options, const Environment& environment);

/// One request of the admin API.
struct Call {
    const api::Endpoint& endpoint;
    /// What the {name} or {id} in the endpoint's path stands for.
    std::string subject = {};
    http::Parameters query = {};
    /// JSON; empty for none.
    std::string body = {};
    /// Sent as Idempotency-Key; the request is sent again when its connection breaks.
    std::string idempotency_key = {};
    std::optional<std::string_view> if_revision = std::nullopt;
    std::chrono::milliseconds patience{10'000};
    CancellationToken token = {};
};

/// Asks a daemon, one request at a time. Connects with the first one.
class Connection {
  public:
    explicit Connection(Daemon daemon);

    /// The body of a successful answer.
    /// Errors: the daemon's problem; unreachable with the reason why; not_permitted when the socket may not be opened;
    /// for a change timed_out when there was no answer, as it may have begun; detached when the token is canceled.
    Outcome<std::string> send(const Call& call);

    /// How a stream ended when it was not refused.
    enum class StreamEnd : std::uint8_t { complete, stopped_by_reader, broke, canceled, timed_out };
    /// Hands each line that is not empty to on_line, until that returns false.
    /// Errors: as send(), when there was no stream at all.
    Outcome<StreamEnd> stream(
        const Call& call,
        const std::function<bool(std::string_view)>& on_line,
        CancellationToken token
    );

    /// Why this answer is not one of this API, found out by asking for versions.
    Failure not_understood(std::string_view detail);

    [[nodiscard]] const Daemon& daemon() const { return daemon_; }

  private:
    Result<http::ClientResponse> send_once(const Call& call);
    [[nodiscard]] http::ClientRequest request_for(const Call& call) const;
    [[nodiscard]] Failure unanswered(const Call& call, const Error& error) const;
    Failure refused(const http::ClientResponse& response);

    const Daemon daemon_;
    http::BlockingClient client_;
};

/// An exit code for an HTTP status without a problem code that is known.
ExitCode exit_code_of(int http_status);

}  // namespace mimir::ctl
