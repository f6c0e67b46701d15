#include "http/detail/connect.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "http/detail/watch.hpp"

namespace mimir::http::detail {
namespace {

using asio::ip::tcp;
using UnixProtocol = asio::local::stream_protocol;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

struct Connected {
    error_code error;
    Stream::Socket socket;
};

asio::awaitable<Connected> connect_unix(const std::string& path, CancellationToken token) {
    UnixProtocol::socket socket(co_await asio::this_coro::executor);
    const Watch watch(socket.get_executor(), std::move(token), [&socket] { socket.close(); });
    auto [error] = co_await socket.async_connect(UnixProtocol::endpoint(path), kAwait);
    co_return Connected{error, std::move(socket)};
}

asio::awaitable<Connected> connect_tcp(
    const std::string& host, std::uint16_t port, CancellationToken token
) {
    tcp::socket socket(co_await asio::this_coro::executor);
    tcp::resolver resolver(socket.get_executor());
    const Watch watch(socket.get_executor(), std::move(token), [&socket, &resolver] {
        socket.close();
        resolver.cancel();
    });

    std::vector<tcp::endpoint> endpoints;
    error_code failed;
    if (const auto address = asio::ip::make_address(host, failed); !failed) {
        endpoints.emplace_back(address, port);
    } else {
        auto [error, found] = co_await resolver.async_resolve(host, std::to_string(port), kAwait);
        if (error) co_return Connected{error, std::move(socket)};
        for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    }
    auto [error, endpoint] = co_await asio::async_connect(socket, endpoints, kAwait);
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    co_return Connected{error, std::move(socket)};
}

}  // namespace

asio::awaitable<Result<Stream::Socket>> connect(
    const Endpoint& endpoint, std::chrono::milliseconds timeout, CancellationToken token
) {
    const auto limited = token.with_deadline(std::chrono::steady_clock::now() + timeout);
    auto connecting = endpoint.unix_path.empty()
                          ? connect_tcp(endpoint.host, endpoint.port, limited)
                          : connect_unix(endpoint.unix_path, limited);
    auto connected = co_await std::move(connecting);
    if (!connected.error) co_return std::move(connected.socket);
    MIMIR_CO_TRY(token.check());
    const bool too_slow = connected.error == asio::error::operation_aborted;
    co_return fail(
        ErrorKind::unavailable,
        "connecting to {}: {}",
        endpoint.to_string(),
        too_slow ? fmt::format("no answer within {} ms", timeout.count())
                 : connected.error.message()
    );
}

}  // namespace mimir::http::detail
