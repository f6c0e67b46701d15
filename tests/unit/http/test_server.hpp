#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "runtime/executors.hpp"

namespace mimir::http::test {

using namespace std::chrono_literals;

/// A server on a port of its own, with routes that the tests share:
///     GET  /hello          "hello world"
///     POST /echo           the body; GET: the target, query and trace id
///     POST /small          the body, of at most 100 bytes
///     GET  /big            ?bytes=N of text
///     GET  /stream         ?pieces=N, "piece i\n" each
///     GET  /endless        pieces until the client goes away
///     GET  /wait           until its request is canceled or release() is called
///     GET  /torn           a streamed body that fails in the middle
///     GET  /throw          throws
class TestServer {
  public:
    explicit TestServer(
        ServerOptions options = {},
        RequestObserver* observer = nullptr,
        RefusalWording wording = word_refusal
    );
    ~TestServer();

    [[nodiscard]] Endpoint endpoint() const { return {.host = "127.0.0.1", .port = port()}; }
    [[nodiscard]] std::uint16_t port() const { return server->port(); }
    [[nodiscard]] std::string url(std::string_view path) const;
    void release() { released = true; }

    runtime::Executors executors;
    Router router;
    std::vector<RouteRegistration> routes;
    std::atomic<int> waiting = 0;
    std::atomic<int> canceled = 0;
    std::atomic<bool> released = false;
    std::atomic<int> endless_pieces = 0;
    std::atomic<bool> endless_ended = false;
    std::unique_ptr<Server> server;

  private:
    void add(MethodSet methods, std::string pattern, Handler handler, std::size_t limit = 64 << 20);
    asio::awaitable<Response> wait_until_released(Request& request);
    asio::awaitable<Response> endless();
    asio::awaitable<Result<void>> write_for_ever(BodyWriter& writer);
};

/// A socket that says exactly what a test wants said.
class RawClient {
  public:
    explicit RawClient(std::uint16_t port);
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    /// False when the other end does not take it any more.
    bool send(std::string_view bytes);
    /// Everything until the other end closes, or until `text` has been seen.
    std::string read_until(std::string_view text = {});
    /// True when the other end closes within the time; what it says meanwhile is dropped.
    bool closed_within(std::chrono::milliseconds time);
    void half_close();
    void close();

  private:
    int fd_;
};

}  // namespace mimir::http::test
