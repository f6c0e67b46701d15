#include "http/server.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

#include "base/assert.hpp"
#include "http/detail/connection.hpp"
#include "http/detail/listener.hpp"
#include "http/detail/response_head.hpp"
#include "runtime/run_on.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::http {
namespace {

using namespace std::chrono_literals;
using detail::Connection;
using detail::Listener;

/// How often connections are looked at: a quarter of the shortest time-out, within reason. A client
/// that goes away is noticed within one tick.
std::chrono::milliseconds tick_of(const ServerOptions& options) {
    const auto shortest =
        std::min({options.idle_timeout, options.read_timeout, options.write_timeout});
    return std::clamp<std::chrono::milliseconds>(shortest / 4, 5ms, 100ms);
}

/// The open connections. Shared with their completion, which may run a moment after the server is
/// gone.
struct Connections {
    std::mutex mutex;
    std::condition_variable empty;
    std::unordered_set<std::shared_ptr<Connection>> open;
    std::size_t admitted = 0;  // open ones, and those about to be

    /// False when there are as many as allowed already, and none that would make room.
    bool admit(const ServerOptions& options) {
        std::lock_guard lock(mutex);
        const std::size_t limit = options.connections_limit;
        const std::size_t over = limit == 0 || admitted < limit ? 0 : admitted + 1 - limit;
        if (over > 0 && !(options.replaces_waiting && dismiss_waiting(over))) return false;
        ++admitted;
        return true;
    }
    /// Closes so many of those that wait longest; false when there are none. With the lock held.
    bool dismiss_waiting(std::size_t count) {
        bool found = false;
        for (; count > 0; --count) {
            const auto longest = std::ranges::min_element(open, {}, [](const auto& connection) {
                return connection->waiting_since();
            });
            const bool waits = longest != open.end() &&
                               (*longest)->waiting_since() != Connection::TimePoint::max();
            if (!waits) break;
            (*longest)->forget_waiting();
            post(*longest, &Connection::make_room);
            found = true;
        }
        return found;
    }
    void begin(const std::shared_ptr<Connection>& connection) {
        std::lock_guard lock(mutex);
        open.insert(connection);
    }
    void end(const std::shared_ptr<Connection>& connection) {
        std::lock_guard lock(mutex);
        open.erase(connection);
        --admitted;
        if (open.empty()) empty.notify_all();
    }
    /// Has f done to each, on its strand.
    void post_to_all(void (Connection::*f)()) {
        std::lock_guard lock(mutex);
        for (const auto& connection : open) post(connection, f);
    }
    static void post(const std::shared_ptr<Connection>& connection, void (Connection::*f)()) {
        asio::post(connection->strand(), [connection, f] { (connection.get()->*f)(); });
    }
};

}  // namespace

class Server::Impl {
  public:
    Impl(
        ServerThreads threads,
        const Router& router,
        ServerOptions options,
        RequestObserver* observer
    )
        : context_{threads, router, std::move(options), observer},
          accepting_(threads.io),
          ticking_(threads.io) {}
    ~Impl() { stop(0ms); }

    Result<void> listen();
    void stop(std::chrono::milliseconds grace);
    [[nodiscard]] const std::vector<ListenAddress>& addresses() const { return addresses_; }
    [[nodiscard]] std::size_t connections() const {
        std::lock_guard lock(connections_->mutex);
        return connections_->open.size();
    }

  private:
    asio::awaitable<void> accept_loop(Listener listener);
    asio::awaitable<void> tick_loop();
    void add(Listener::Accepted accepted, const TlsServerContext* tls);
    [[nodiscard]] std::string too_many_connections() const;
    void wait_until_empty(std::optional<std::chrono::milliseconds> limit);

    detail::ServerContext context_;
    std::vector<ListenAddress> addresses_;
    const std::shared_ptr<Connections> connections_ = std::make_shared<Connections>();
    runtime::TaskScope accepting_;
    runtime::TaskScope ticking_;
};

Result<void> Server::Impl::listen() {
    std::vector<Listener> listeners;
    for (const ListenAddress& address : context_.options.listen) {
        MIMIR_TRY(auto opened, Listener::open(address));
        addresses_.push_back(opened.front().address());
        std::ranges::move(opened, std::back_inserter(listeners));
    }
    for (Listener& listener : listeners) accepting_.spawn(accept_loop(std::move(listener)));
    ticking_.spawn(tick_loop());
    return {};
}

asio::awaitable<void> Server::Impl::accept_loop(Listener listener) {
    const auto executor = co_await asio::this_coro::executor;
    // A copy of the descriptor for the event loop to watch: each closes its own.
    asio::posix::stream_descriptor ready(executor, ::dup(listener.descriptor()));
    for (;;) {
        auto accepted = listener.accept();
        if (accepted) {
            add(*std::move(accepted), listener.tls());
            // In a flood the connections get their turns too.
            co_await asio::post(executor, asio::use_awaitable);
        } else if (accepted.error().kind == ErrorKind::not_found) {
            co_await ready.async_wait(
                asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable)
            );
        } else {
            co_await runtime::sleep_for(100ms);  // too many open files: until some are closed
        }
    }
}

void Server::Impl::add(Listener::Accepted accepted, const TlsServerContext* tls) {
    if (!connections_->admit(context_.options)) {
        // In the middle of a handshake there are no words for it.
        detail::dismiss(accepted.socket.get(), tls == nullptr ? too_many_connections() : "");
        return;
    }
    detail::Strand strand = asio::make_strand(context_.threads.io.executor());
    const asio::generic::stream_protocol protocol(accepted.family, 0);
    auto session =
        tls == nullptr ? nullptr : detail::TlsSession::of_server(*tls, accepted.socket.get());
    detail::Stream::Socket socket(strand, protocol, accepted.socket.release());
    auto connection = std::make_shared<Connection>(
        context_, strand, std::move(socket), std::move(session), std::move(accepted.peer)
    );
    connections_->begin(connection);
    auto on_end = [connections = connections_, connection](const std::exception_ptr& error) {
        MIMIR_ASSERT(error == nullptr, "a connection handles what its handlers throw");
        connections->end(connection);
    };
    asio::co_spawn(strand, connection->serve(), std::move(on_end));
}

std::string Server::Impl::too_many_connections() const {
    const std::size_t limit = context_.options.connections_limit;
    const Refusal refusal{
        .status = 503,
        .message = fmt::format("too many connections (limit {})", limit),
        .retry_after = 1s
    };
    return detail::last_response(context_.router.refuse(refusal, Request{}));
}

asio::awaitable<void> Server::Impl::tick_loop() {
    const auto tick = tick_of(context_.options);
    for (;;) {
        co_await runtime::sleep_for(tick);
        const auto now = std::chrono::steady_clock::now();
        std::lock_guard lock(connections_->mutex);
        for (const auto& connection : connections_->open) {
            if (connection->needs_look(now)) Connections::post(connection, &Connection::look);
        }
    }
}

void Server::Impl::stop(std::chrono::milliseconds grace) {
    accepting_.stop();
    context_.draining = true;
    connections_->post_to_all(&Connection::drain);
    wait_until_empty(grace);
    connections_->post_to_all(&Connection::abort);
    wait_until_empty(std::nullopt);
    ticking_.stop();
}

void Server::Impl::wait_until_empty(std::optional<std::chrono::milliseconds> limit) {
    std::unique_lock lock(connections_->mutex);
    const auto is_empty = [this] { return connections_->open.empty(); };
    if (is_empty()) return;
    MIMIR_ASSERT(!runtime::on_io_thread(), "the connections that are waited for run on this loop");
    if (limit) {
        connections_->empty.wait_for(lock, *limit, is_empty);
    } else {
        connections_->empty.wait(lock, is_empty);
    }
}

Result<std::unique_ptr<Server>> Server::start(
    ServerThreads threads, const Router& router, ServerOptions options, RequestObserver* observer
) {
    auto impl = std::make_unique<Impl>(threads, router, std::move(options), observer);
    MIMIR_TRY(impl->listen());
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

void Server::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }

const std::vector<ListenAddress>& Server::addresses() const { return impl_->addresses(); }

std::uint16_t Server::port() const {
    for (const ListenAddress& address : addresses()) {
        if (const auto* tcp = std::get_if<TcpAddress>(&address)) return tcp->port;
    }
    return 0;
}

std::size_t Server::connections() const { return impl_->connections(); }

}  // namespace mimir::http
