#include "test_ends.hpp"

#include <charconv>

namespace mimir::rpc::test {

TestServer::TestServer(std::string cluster, ProtocolRange protocol)
    : executors(
          {.io_threads = 1,
           .ingest = {.threads = 1, .queue_limit = 100},
           .query = {.threads = 1, .queue_limit = 100}}
      ),
      cluster_(std::move(cluster)),
      protocol_(protocol) {
    routes.push_back(add_hello(internal()));
    start();
}

TestServer::~TestServer() {
    stop();
    routes.clear();
}

void TestServer::start() {
    http::ServerOptions options{
        .listen = {http::UnixAddress{.path = dir.path() / "rpc.sock"}}, .serves_internal = true
    };
    auto started = http::Server::start({executors.io, executors.query}, router, std::move(options));
    REQUIRE_OK(started);
    server = *std::move(started);
}

void TestServer::stop() { server.reset(); }

std::string TestServer::address() const { return "unix://" + (dir.path() / "rpc.sock").string(); }

InternalRoutes TestServer::internal() {
    return {
        .router = router,
        .cluster = cluster_,
        .instance = "server-1",
        .version = "1.2.3",
        .protocol = protocol_
    };
}

void TestServer::add_call(std::string_view call, CallHandler handler) {
    routes.push_back(rpc::add_call(internal(), call, "test", 16 << 20, std::move(handler)));
}

void TestServer::add_frames(std::string_view call, FrameHandler handler) {
    routes.push_back(rpc::add_frames(internal(), call, "test", 16 << 20, std::move(handler)));
}

TestCaller::TestCaller(PeerOptions options)
    : io(1), pool(std::move(options), {.io = io, .log = {}, .registry = registry}) {}

Result<std::string> TestCaller::call(
    const std::shared_ptr<Peer>& peer, std::string_view call, std::string body
) {
    return this->call(peer, call, RequestContext{}, std::move(body));
}

Result<std::string> TestCaller::call(
    const std::shared_ptr<Peer>& peer,
    std::string_view call,
    const RequestContext& context,
    std::string body
) {
    return wait_for<std::string>([&](auto done) {
        peer->call(context, call, std::make_shared<std::string>(std::move(body)), {}, done);
    });
}

Result<std::unique_ptr<FrameStream>> TestCaller::open(
    const std::shared_ptr<Peer>& peer, std::string_view call, RequestContext context
) {
    // A Done is copied; who waits for it moves the stream out.
    return wait_for<std::unique_ptr<FrameStream>>([&](auto done) {
        peer->open(context, call, nullptr, {}, done);
    });
}

double TestCaller::metric(std::string_view line) const {
    const std::string text = telemetry::expose(registry.collect());
    const std::size_t at = text.find("\n" + std::string(line) + " ");
    if (at == std::string::npos) return 0;
    double value = 0;
    const char* begin = text.data() + at + line.size() + 2;
    std::from_chars(begin, text.data() + text.size(), value);
    return value;
}

PeerOptions options_for(std::string cluster) {
    return {
        .cluster = std::move(cluster),
        .connect_timeout = 500ms,
        .health_check_interval = 10s,
        .health_check_timeout = 300ms,
        .breaker_failures = 3,
        .breaker_open_min = 100ms,
        .breaker_open_max = 100ms
    };
}

}  // namespace mimir::rpc::test
