#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http/server.hpp"
#include "rpc/peer.hpp"
#include "runtime/run_on.hpp"
#include "support/test_support.hpp"

namespace mimir::rpc::test {

using namespace std::chrono_literals;

/// A server with internal routes on a unix socket.
class TestServer {
  public:
    explicit TestServer(std::string cluster = "test", ProtocolRange protocol = {});
    ~TestServer();

    void start();
    void stop();
    [[nodiscard]] std::string address() const;
    [[nodiscard]] InternalRoutes internal();

    void add_call(std::string_view call, CallHandler handler);
    void add_frames(std::string_view call, FrameHandler handler);

    const mimir::test::TempDir dir;
    runtime::Executors executors;
    http::Router router;
    std::vector<http::RouteRegistration> routes;
    std::unique_ptr<http::Server> server;

  private:
    const std::string cluster_;
    const ProtocolRange protocol_;
};

/// Another process' end.
struct TestCaller {
    explicit TestCaller(PeerOptions options = {});

    Result<std::string> call(
        const std::shared_ptr<Peer>& peer, std::string_view call, std::string body = "body"
    );
    Result<std::string> call(
        const std::shared_ptr<Peer>& peer,
        std::string_view call,
        const RequestContext& context,
        std::string body = "body"
    );
    Result<std::unique_ptr<FrameStream>> open(
        const std::shared_ptr<Peer>& peer, std::string_view call, RequestContext context = {}
    );
    /// The value of the sample line that begins thus; 0 when there is none.
    [[nodiscard]] double metric(std::string_view line) const;

    telemetry::Registry registry;
    runtime::IoThreads io;
    PeerPool pool;
};

/// Calls of other processes are of this cluster.
PeerOptions options_for(std::string cluster = "test");

}  // namespace mimir::rpc::test
