#pragma once

// Processes for the gateway's tests: one with the gateway, others behind it, and clients that say
// exactly what a test wants said.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "components/gateway/module.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "runtime/task_scope.hpp"
#include "support/test_support.hpp"

namespace mimir::gateway {

using namespace std::chrono_literals;
using http::BlockingClient;
using http::BodyWriter;
using http::Method;
using http::Request;
using http::Response;
using test::eventually;

/// Another process of ours: a router behind an internal listener. Its routes are of the modules
/// `distributor` and `querier`.
class Instance {
  public:
    Instance(runtime::Executors& executors, std::string name, http::ListenAddress listen)
        : name_(std::move(name)) {
        add({Method::post}, "/api/v1/push", "distributor", [this](Request& r) { return push(r); });
        add({Method::post}, "/refuse", "distributor", refuse);
        add({Method::get}, "/query", "querier", [this](Request& r) { return query(r); });
        add({Method::get}, "/torn", "querier", [this](Request& r) { return torn(r); });
        add({Method::get}, "/endless", "querier", [this](Request& r) { return endless(r); });
        add({Method::get}, "/wait", "querier", [this](Request& r) { return wait(r); });
        http::ServerOptions options{.listen = {std::move(listen)}, .serves_internal = true};
        auto started =
            http::Server::start({executors.io, executors.query}, router_, std::move(options));
        REQUIRE_OK(started);
        server_ = *std::move(started);
    }
    ~Instance() {
        released = true;
        stop();
    }

    void stop() { server_.reset(); }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    [[nodiscard]] std::size_t connections() const { return server_->connections(); }
    [[nodiscard]] Upstream upstream() const {
        return {.instance = name_, .address = fmt::format("127.0.0.1:{}", port())};
    }

    std::atomic<std::size_t> bytes = 0;
    std::atomic<int> pushes = 0;
    std::atomic<int> waiting = 0;
    std::atomic<int> canceled = 0;
    std::atomic<bool> reads_slowly = false;
    std::atomic<bool> released = false;
    std::atomic<std::size_t> written = 0;

  private:
    void add(
        http::MethodSet methods, std::string pattern, std::string module, http::Handler handler
    ) {
        const bool streams = methods.contains(Method::post);
        routes_.push_back(router_.add(
            {.methods = methods,
             .pattern = std::move(pattern),
             .module = std::move(module),
             .handler = std::move(handler),
             .body_bytes_limit = std::size_t{1} << 40,
             .streams_body = streams}
        ));
    }

    asio::awaitable<Response> push(Request& request) {
        ++pushes;
        while (reads_slowly && !released) co_await runtime::sleep_for(1ms);
        for (;;) {
            const auto piece = co_await request.body_reader->read();
            if (!piece) ++canceled;
            if (!piece || piece->empty()) break;
            bytes += piece->size();
        }
        const std::string_view tenant = request.headers.get("X-Scope-OrgID").value_or("none");
        const std::string_view from = request.headers.get("X-Forwarded-For").value_or("none");
        co_return Response::text(
            200, fmt::format("{}: {} bytes of {} from {}", name_, bytes, tenant, from)
        );
    }

    static asio::awaitable<Response> refuse(Request&) { co_return Response::text(413, "too much"); }

    asio::awaitable<Response> query(Request& request) {
        Response response = Response::text(200, fmt::format("{} {}", name_, request.target));
        response.headers.add("Vary", "Accept-Encoding");
        co_return response;
    }

    asio::awaitable<Response> torn(Request&) {
        Response response;
        response.stream = [](BodyWriter& writer) { return write_and_fail(writer); };
        co_return response;
    }
    static asio::awaitable<Result<void>> write_and_fail(BodyWriter& writer) {
        MIMIR_CO_TRY(co_await writer.write("a beginning"));
        co_return fail(ErrorKind::internal, "no end");
    }

    asio::awaitable<Response> endless(Request&) {
        Response response;
        response.stream = [this](BodyWriter& writer) { return write_for_ever(writer); };
        co_return response;
    }
    asio::awaitable<Result<void>> write_for_ever(BodyWriter& writer) {
        const std::string piece(100'000, 'x');
        for (;;) {
            if (auto sent = co_await writer.write(piece); !sent) {
                ++canceled;
                co_return sent;
            }
            written += piece.size();
        }
    }

    asio::awaitable<Response> wait(Request& request) {
        ++waiting;
        while (!released && request.context.cancellation.check()) {
            co_await runtime::sleep_for(1ms);
        }
        if (request.context.cancellation.canceled()) ++canceled;
        co_return Response::text(200, name_ + " waited");
    }

    const std::string name_;
    http::Router router_;
    std::vector<http::RouteRegistration> routes_;
    std::unique_ptr<http::Server> server_;
};

/// A port where each connection is dealt with by hand: reads a head, and does as told.
class RawInstance {
  public:
    using Deal = std::function<void(int connection)>;

    explicit RawInstance(Deal deal)
        : deal_(std::move(deal)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_, generic, size) == 0);
        REQUIRE(::listen(listener_, 16) == 0);
        REQUIRE(::getsockname(listener_, generic, &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { accept(); });
    }
    ~RawInstance() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    [[nodiscard]] Upstream upstream(std::string name) const {
        return {.instance = std::move(name), .address = fmt::format("127.0.0.1:{}", port_)};
    }

    static std::string read_until(int connection, std::string_view text) {
        std::string all;
        char buffer[4096];
        while (all.find(text) == std::string::npos) {
            pollfd entry{.fd = connection, .events = POLLIN, .revents = 0};
            if (::poll(&entry, 1, 10'000) != 1) break;
            const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
            if (got <= 0) break;
            all.append(buffer, static_cast<std::size_t>(got));
        }
        return all;
    }
    static void send(int connection, std::string_view text) {
        CHECK(::send(connection, text.data(), text.size(), MSG_NOSIGNAL) > 0);
    }

    std::atomic<int> connections = 0;

  private:
    void accept() {
        for (;;) {
            const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (connection < 0) return;
            ++connections;
            deal_(connection);
            ::close(connection);
        }
    }

    const Deal deal_;
    const int listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

/// The process with the gateway: a public listener, whose own routes are `/ready` of the module api,
/// and what serve_here() adds.
class Front {
  public:
    explicit Front(
        Options options = quick(), std::shared_ptr<const http::TlsClientContext> tls = nullptr
    )
        : options_(std::move(options)), tls_(std::move(tls)) {
        router.reserve("/api/v1/push", "distributor");
        router.reserve("/refuse", "distributor");
        for (const char* path : {"/query", "/torn", "/endless", "/wait"}) {
            router.reserve(path, "querier");
        }
        add("/ready", "api");
        start_gateway();
        auto started = http::Server::start(
            {executors.io, executors.query}, router, {.listen = {http::TcpAddress{"127.0.0.1", 0}}}
        );
        REQUIRE_OK(started);
        server = *std::move(started);
    }
    ~Front() {
        server->stop(0ms);
        stop_gateway();
    }

    static Options quick() {
        return {
            .refresh_period = 10ms,
            .connect_timeout = 1s,
            .stall_timeout = 10s,
            .failure_backoff = 1min,
            .parking_timeout = 0ms,
        };
    }

    void start_gateway() {
        service = create_service({
            .options = options_,
            .instance = "me",
            .modules = {"distributor", "querier"},
            .discover = [this](std::string_view module) { return find(module); },
            .tls = tls_,
            .slot = slot,
            .files = fs::real_file_system(),
            .executors = executors,
            .router = router,
            .registry = registry,
            .log = {},
        });
        REQUIRE_OK(service->start(CancellationToken()));
        running = std::jthread([this](const std::stop_token& stop) { CHECK(service->run(stop)); });
    }
    void stop_gateway() {
        if (!service) return;
        running = {};
        REQUIRE_OK(service->stop(1s));
        service.reset();
    }

    /// Where both modules run, from the next refresh on, for which this waits.
    void run_at(std::vector<Upstream> upstreams) {
        std::set<std::string> names;
        for (const Upstream& upstream : upstreams) names.insert(upstream.instance);
        upstreams_.with([&](auto& all) { all = std::move(upstreams); });
        REQUIRE(eventually(5s, [&] {
            std::set<std::string> now;
            const auto snapshot = slot.get()->load();
            for (const auto& target : snapshot->find("querier", "")->targets) {
                now.insert(target->instance);
            }
            return now == names;
        }));
    }
    void serve_here(std::string path, std::string module) {
        add(std::move(path), std::move(module));
    }

    [[nodiscard]] http::Endpoint endpoint() const {
        return {.host = "127.0.0.1", .port = server->port()};
    }
    Response get(std::string target, http::Headers headers = {}) {
        BlockingClient client(endpoint());
        auto got = client.send({.target = std::move(target), .headers = std::move(headers)});
        REQUIRE_OK(got);
        return {.status = got->status, .headers = got->headers, .body = got->body};
    }
    Response post(std::string target, std::string body, http::Headers headers = {}) {
        BlockingClient client(endpoint());
        auto got = client.send({
            .method = Method::post,
            .target = std::move(target),
            .headers = std::move(headers),
            .body = std::move(body),
        });
        REQUIRE_OK(got);
        return {.status = got->status, .headers = got->headers, .body = got->body};
    }
    std::string metrics() { return telemetry::expose(registry.collect()); }
    bool counts(std::string_view line) {
        return eventually(5s, [&] { return metrics().find(line) != std::string::npos; });
    }
    std::size_t in_flight() {
        std::size_t all = 0;
        for (const auto& target : slot.get()->targets()) all += target->in_flight();
        return all;
    }

    runtime::Executors executors{{.io_threads = 2}};
    telemetry::Registry registry;
    http::Router router;
    modules::Slot<RouteTable> slot;
    std::vector<http::RouteRegistration> routes;
    std::unique_ptr<modules::Service> service;
    std::jthread running;
    std::unique_ptr<http::Server> server;

  private:
    void add(std::string path, std::string module) {
        routes.push_back(router.add(
            {.methods = {Method::get, Method::post},
             .pattern = std::move(path),
             .module = std::move(module),
             .handler = here}
        ));
    }
    static asio::awaitable<Response> here(Request& request) {
        co_return Response::text(200, "here " + request.path);
    }
    std::vector<Upstream> find(std::string_view) {
        return upstreams_.with([](const auto& all) { return all; });
    }

    const Options options_;
    const std::shared_ptr<const http::TlsClientContext> tls_;
    Guarded<std::vector<Upstream>> upstreams_;
};

inline http::TcpAddress any_port() { return {"127.0.0.1", 0}; }

/// A connection of a client that says exactly what a test wants said.
class Raw {
  public:
    explicit Raw(const Front& front) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(front.server->port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    ~Raw() { close(); }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;

    bool send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent < 0) return false;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    bool send_chunk(std::string_view piece) {
        return send(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece));
    }
    std::string read_until(std::string_view text) { return RawInstance::read_until(fd_, text); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

  private:
    int fd_;
};

constexpr std::string_view kPush =
    "POST /api/v1/push HTTP/1.1\r\nHost: a\r\nX-Scope-OrgID: t\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace mimir::gateway
