#include "test_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <stdexcept>

#include "runtime/run_on.hpp"
#include "runtime/task_scope.hpp"
#include "support/test_support.hpp"

namespace mimir::http::test {
namespace {

std::size_t number(const Request& request, std::string_view name) {
    const std::string_view text = request.query.get_or(name, "0");
    std::size_t value = 0;
    std::from_chars(text.begin(), text.end(), value);
    return value;
}

asio::awaitable<Response> hello(Request&) { co_return Response::text(200, "hello world"); }

asio::awaitable<Response> echo(Request& request) {
    co_return Response::text(200, std::move(request.body));
}

asio::awaitable<Response> describe(Request& request) {
    std::string text = fmt::format("path={}\n", request.path);
    for (const auto& [name, value] : request.query) text += fmt::format("{}={}\n", name, value);
    text += fmt::format("trace={}\n", request.context.trace_id);
    co_return Response::text(200, std::move(text));
}

asio::awaitable<Response> big(Request& request) {
    co_return Response::text(200, std::string(number(request, "bytes"), 'x'));
}

asio::awaitable<Result<void>> write_pieces(BodyWriter& writer, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::string piece = fmt::format("piece {}\n", i);
        MIMIR_CO_TRY(co_await writer.write(piece));
    }
    co_return Result<void>();
}

asio::awaitable<Response> stream(Request& request) {
    Response response;
    const std::size_t pieces = number(request, "pieces");
    response.stream = [pieces](BodyWriter& writer) { return write_pieces(writer, pieces); };
    co_return response;
}

asio::awaitable<Result<void>> write_and_fail(BodyWriter& writer) {
    MIMIR_CO_TRY(co_await writer.write("a beginning"));
    co_return fail(ErrorKind::internal, "no end");
}

asio::awaitable<Response> torn(Request&) {
    Response response;
    response.stream = write_and_fail;
    co_return response;
}

asio::awaitable<Response> throwing(Request&) {
    throw std::runtime_error("a library's complaint");
    co_return Response();
}

runtime::ExecutorOptions test_executors() {
    return {.io_threads = 2, .query = {.threads = 2, .queue_limit = 1000}};
}

}  // namespace

TestServer::TestServer(ServerOptions options, RequestObserver* observer, RefusalWording wording)
    : executors(test_executors()), router(std::move(wording)) {
    add({Method::get}, "/hello", hello);
    add({Method::post, Method::put}, "/echo", echo);
    add({Method::get}, "/echo", describe);
    add({Method::post}, "/small", echo, 100);
    add({Method::get}, "/big", big);
    add({Method::get}, "/stream", stream);
    add({Method::get}, "/torn", torn);
    add({Method::get}, "/throw", throwing);
    add({Method::get}, "/wait", [this](Request& request) { return wait_until_released(request); });
    add({Method::get}, "/endless", [this](Request&) { return endless(); });
    if (options.listen.empty()) options.listen = {TcpAddress{"127.0.0.1", 0}};
    auto started =
        Server::start({executors.io, executors.query}, router, std::move(options), observer);
    REQUIRE_OK(started);
    server = *std::move(started);
}

TestServer::~TestServer() { released = true; }

void TestServer::add(MethodSet methods, std::string pattern, Handler handler, std::size_t limit) {
    routes.push_back(router.add(
        {.methods = methods,
         .pattern = std::move(pattern),
         .module = "test",
         .handler = std::move(handler),
         .body_bytes_limit = limit}
    ));
}

std::string TestServer::url(std::string_view path) const {
    return fmt::format("http://127.0.0.1:{}{}", port(), path);
}

asio::awaitable<Response> TestServer::wait_until_released(Request& request) {
    ++waiting;
    while (!released && request.context.cancellation.check()) co_await runtime::sleep_for(1ms);
    if (request.context.cancellation.canceled()) ++canceled;
    --waiting;
    co_return Response::text(200, "released");
}

asio::awaitable<Response> TestServer::endless() {
    Response response;
    response.stream = [this](BodyWriter& writer) { return write_for_ever(writer); };
    co_return response;
}

asio::awaitable<Result<void>> TestServer::write_for_ever(BodyWriter& writer) {
    const std::string piece(10'000, 'x');
    Result<void> written;
    while (written) {
        written = co_await writer.write(piece);
        ++endless_pieces;
    }
    endless_ended = true;
    co_return written;
}

RawClient::RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

RawClient::~RawClient() { close(); }

bool RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::string RawClient::read_until(std::string_view text) {
    std::string all;
    char buffer[4096];
    while (text.empty() || all.find(text) == std::string::npos) {
        pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
        REQUIRE_MESSAGE(::poll(&entry, 1, 10'000) == 1, "no answer but: " << all);
        const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
}

bool RawClient::closed_within(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    char buffer[4096];
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
        if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) != 1)
            return false;
        if (::recv(fd_, buffer, sizeof buffer, 0) <= 0) return true;
    }
}

void RawClient::half_close() { ::shutdown(fd_, SHUT_WR); }

void RawClient::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace mimir::http::test
