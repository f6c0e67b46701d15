// The HTTP server with nothing behind it, to be loaded with wrk:
//
//     taskset -c 0 build/bin/bench_http_server 18080 &
//     taskset -c 1 wrk -t1 -c16 -d5 http://127.0.0.1:18080/hello
//     taskset -c 1 wrk -t1 -c16 -d5 -s tests/bench/post_100k.lua http://127.0.0.1:18080/push
//
// Prints CPU time and requests on SIGINT: their quotient is what a request costs the server.

#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <charconv>
#include <csignal>

#include "http/server.hpp"
#include "runtime/run_on.hpp"

namespace {

using namespace mimir;

asio::awaitable<http::Response> hello(http::Request&) {
    co_return http::Response::text(200, "hello world");
}

asio::awaitable<http::Response> push(http::Request&) { co_return http::Response{}; }

/// As a push goes: the work is done on another thread.
asio::awaitable<http::Response> push_on(runtime::Pool& pool, http::Request& request) {
    auto job = [body = std::move(request.body)] { return Result<std::size_t>(body.size()); };
    const auto size = co_await runtime::run_on(pool, std::move(job));
    co_return http::Response{.status = size ? 200 : 503};
}

class Counter final : public http::RequestObserver {
  public:
    void request_started(http::Method, std::string_view) override {}
    void request_finished(const http::RequestSummary&) override { ++requests; }
    std::atomic<std::uint64_t> requests = 0;
};

double cpu_microseconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto micros = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return micros(usage.ru_utime) + micros(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    runtime::Executors executors({.io_threads = 1});
    http::Router router;
    const auto a = router.add(
        {.methods = {http::Method::get}, .pattern = "/hello", .module = "bench", .handler = hello}
    );
    const auto b = router.add(
        {.methods = {http::Method::post}, .pattern = "/push", .module = "bench", .handler = push}
    );
    const auto c = router.add(
        {.methods = {http::Method::post},
         .pattern = "/push_on_pool",
         .module = "bench",
         .handler = [&](http::Request& request) { return push_on(executors.ingest, request); }}
    );
    Counter counter;
    std::uint16_t port = 18'080;
    if (argc > 1) std::from_chars(argv[1], argv[1] + std::string_view(argv[1]).size(), port);
    auto server = http::Server::start(
        {executors.io, executors.query},
        router,
        {.listen = {http::TcpAddress{"127.0.0.1", port}}},
        &counter
    );
    if (!server) {
        fmt::print(stderr, "{}\n", server.error().message);
        return 1;
    }
    int signal = 0;
    sigwait(&signals, &signal);
    const auto requests = static_cast<double>(counter.requests.load());
    fmt::print("{:.0f} requests, {:.1f} us of CPU each\n", requests, cpu_microseconds() / requests);
    return 0;
}
