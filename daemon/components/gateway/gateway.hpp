#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "components/gateway/auth.hpp"
#include "components/gateway/clients.hpp"
#include "components/gateway/metrics.hpp"
#include "components/gateway/options.hpp"
#include "components/gateway/route_table.hpp"
#include "http/front.hpp"
#include "http/router.hpp"

namespace mimir::gateway {

/// Where a module runs now; empty when nowhere. Threads: any; quick.
using Discover = std::function<std::vector<Upstream>(std::string_view module)>;

/// Stands before the public router: authenticates, finds where the module runs that has the path, and
/// passes the request on to there, streaming both ways.
/// Only paths of the modules that it routes are its business; the process' own pages stay as they
/// are. What this process serves goes to its own handlers without any detour.
/// A request goes to another instance only when the first has certainly done nothing with it: nothing
/// of it was sent, or nothing of its body was read and it is GET or HEAD, or its body was still to
/// come. When there is no other, it waits, unread, until one answers or its time is over.
/// Threads: any.
class Gateway final : public http::Front {
  public:
    struct Environment {
        Options options;
        /// Those that may run elsewhere.
        std::vector<std::string> modules;
        Discover discover;
        const http::Router& router;
        RouteTable& routes;
        /// Null: no credentials are wanted.
        const Authenticator* authenticator = nullptr;
        /// Shared with requests, which may end after the gateway.
        std::shared_ptr<Metrics> metrics;
        runtime::IoThreads& io;
        /// Of other processes; null: TCP addresses are spoken to without TLS.
        std::shared_ptr<const http::TlsClientContext> tls = {};
    };
    /// What the environment refers to outlives the gateway and its requests.
    explicit Gateway(Environment environment);

    /// Asks where the modules run. Once before the first request, and then whenever that may have
    /// changed.
    void refresh();

    /// Requests wait for an instance no more: the gateway is about to end.
    void end_parking() { ends_ = true; }

    Verdict examine(http::Request& request, const http::PathOwner& owner) override;

    [[nodiscard]] const RouteTable& routes() const { return environment_.routes; }

  private:
    class Transit;
    class SentBody;
    using Opened = Result<std::unique_ptr<http::ClientStream>>;

    asio::awaitable<http::Response> forward(
        http::Request& request, std::shared_ptr<Transit> transit
    );
    asio::awaitable<std::optional<Lease>> park(const http::Request& request, Transit& transit);
    asio::awaitable<Opened> send(
        const http::Request& request, SentBody& body, const Target& target, bool& begun
    );
    static http::Response answer(
        std::unique_ptr<http::ClientStream> stream, std::shared_ptr<Transit> transit
    );
    [[nodiscard]] http::Response refuse(
        const http::Request& request, int status, std::string_view module, std::string message
    ) const;
    [[nodiscard]] http::Response refuse(
        const http::Request& request, const Authenticator::Refusal& refusal
    ) const;
    [[nodiscard]] http::Response not_running(const http::Request& request, std::string_view module)
        const;

    const Environment environment_;
    const std::set<std::string, std::less<>> modules_;
    Clients clients_;
    std::atomic<std::size_t> parked_ = 0;
    std::atomic<bool> ends_ = false;
};

}  // namespace mimir::gateway
