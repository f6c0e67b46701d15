#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.hpp"
#include "base/result.hpp"
#include "http/client.hpp"
#include "kv/detail/etcd_messages.hpp"
#include "kv/options.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"

namespace mimir::kv::detail {

/// The members of an etcd cluster as one: picks an endpoint that answers, and has a token for it.
/// Errors of every call: unavailable, and timeout or canceled as the token says; not_found, when etcd
///         says that a lease is gone.
/// Threads: any.
class EtcdConnection {
  public:
    EtcdConnection(
        runtime::IoThreads& io,
        const EtcdOptions& options,
        std::shared_ptr<const http::TlsClientContext> tls,
        telemetry::Logger log
    );
    ~EtcdConnection();

    /// For what has the same effect done twice: tries the endpoints in turn. Returns the body.
    asio::awaitable<Result<std::string>> ask(
        std::string path, std::string body, CancellationToken token
    );
    /// For the rest: one attempt, at the endpoint that answered last. Call ask() first, unless
    /// was_proven_lately(), so that a dead endpoint is not met here.
    asio::awaitable<Result<std::string>> tell(
        std::string path, std::string body, CancellationToken token
    );
    [[nodiscard]] bool was_proven_lately() const;

    /// Opens a stream at the endpoint that answered last.
    asio::awaitable<Result<std::unique_ptr<http::ClientStream>>> open(
        std::string path, std::string body, CancellationToken token
    );
    /// The stream said that the token is no good.
    void drop_token();

    /// "http://a:2379, http://b:2379"
    [[nodiscard]] std::string to_string() const;

  private:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// How an endpoint did lately.
    struct Standing {
        std::uint32_t failures = 0;
        TimePoint not_before;
        TimePoint proven;
    };
    struct State {
        std::vector<Standing> standings;
        std::size_t preferred = 0;
        std::string auth_token;
        /// Of etcd, where a password is configured all the same.
        bool auth_is_off = false;
    };
    /// An answer of etcd, good or not.
    struct Answer {
        std::string body;
        std::optional<Refusal> refusal;
    };

    asio::awaitable<Result<Answer>> exchange(
        std::size_t endpoint,
        const std::string& path,
        const std::string& body,
        CancellationToken token
    );
    asio::awaitable<Result<Answer>> post(
        std::size_t endpoint,
        const std::string& path,
        const std::string& body,
        CancellationToken token
    );
    asio::awaitable<Result<void>> authenticate(std::size_t endpoint, CancellationToken token);
    [[nodiscard]] http::ClientRequest request(const std::string& path, const std::string& body)
        const;
    [[nodiscard]] std::vector<std::size_t> order() const;
    [[nodiscard]] std::size_t preferred() const;
    void note(std::size_t endpoint, bool answered);
    [[nodiscard]] Error said_by(std::size_t endpoint, const Refusal& refusal) const;

    const EtcdOptions options_;
    const telemetry::Logger log_;
    std::vector<std::unique_ptr<http::Client>> clients_;
    Guarded<State> state_;
};

/// How etcd writes an endpoint without a scheme. Errors: invalid.
Result<http::Endpoint> etcd_endpoint(std::string_view text, bool tls_enabled);

}  // namespace mimir::kv::detail
