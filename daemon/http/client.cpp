#include "http/client.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <limits>
#include <vector>

#include "base/assert.hpp"
#include "base/guarded.hpp"
#include "http/detail/connect.hpp"
#include "http/detail/message_reader.hpp"
#include "http/detail/stream.hpp"
#include "http/detail/watch.hpp"
#include "runtime/run_on.hpp"

namespace mimir::http {
namespace {

using detail::Head;
using detail::Stream;
using detail::TlsSession;
using detail::Watch;
using Strand = asio::strand<asio::any_io_executor>;

constexpr std::size_t kHeaderBytesLimit = 256 << 10;
/// Of an answer that refuses to stream.
constexpr std::size_t kRefusalBytesLimit = 1 << 20;

struct Connection {
    explicit Connection(Stream::Socket socket, std::unique_ptr<detail::TlsSession> tls = nullptr)
        : stream(std::move(socket), std::move(tls), 1), reader(stream, kHeaderBytesLimit) {}
    Stream stream;
    detail::ResponseReader reader;
    std::chrono::steady_clock::time_point idle_since;
    bool body_begun = false;  // the request's body_reader has been read
    bool cut_short = false;   // the other end did not get the whole request
};

/// A connection with a response of which the head has been read.
struct Answer {
    std::unique_ptr<Connection> connection;
    Head head;
};

/// True when sending a request twice has the effect of sending it once, given that no byte of what
/// its body_reader has was sent.
bool is_repeatable(const ClientRequest& request) {
    if (request.repeatable) return true;
    // Of a body that is still to come, the other end has seen nothing, so it has done nothing.
    if (request.body_reader != nullptr && request.body_reader->bytes() != 0) return true;
    switch (request.method) {
        case Method::post:
        case Method::patch: return request.headers.has("Idempotency-Key");
        default: return true;
    }
}

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f';
    });
}

/// What would end a line of the head early could add headers, or a whole request.
Result<void> check_head(const ClientRequest& request) {
    if (has_control(request.target)) {
        return fail(ErrorKind::invalid, "the request's path holds a control character");
    }
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        const auto [name, value] = request.headers[i];
        if (!has_control(name) && !has_control(value)) continue;
        return fail(ErrorKind::invalid, "the header {} holds a control character", name);
    }
    return {};
}

std::string_view body_of(const ClientRequest& request) {
    return request.shared_body ? *request.shared_body : request.body;
}

std::string request_head(const ClientRequest& request, const Endpoint& endpoint) {
    std::string head;
    head.reserve(256);
    auto out = std::back_inserter(head);
    fmt::format_to(out, "{} {} HTTP/1.1\r\n", to_string(request.method), request.target);
    fmt::format_to(out, "Host: {}\r\n", endpoint.authority());
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        fmt::format_to(out, "{}: {}\r\n", request.headers[i].name, request.headers[i].value);
    }
    const auto body_bytes = request.body_reader == nullptr
                                ? std::optional<std::uint64_t>(body_of(request).size())
                                : request.body_reader->bytes();
    const bool may_have_body = request.method != Method::get && request.method != Method::head;
    if (!body_bytes) {
        head += "Transfer-Encoding: chunked\r\n";
    } else if (may_have_body || *body_bytes > 0) {
        fmt::format_to(out, "Content-Length: {}\r\n", *body_bytes);
    }
    head += "\r\n";
    return head;
}

}  // namespace

class Client::Impl : public std::enable_shared_from_this<Client::Impl> {
  public:
    Impl(runtime::IoThreads& io, Endpoint e, ClientOptions o)
        : executor(io.executor()),
          endpoint(std::move(e)),
          options(std::move(o)),
          tls_(endpoint.tls && !options.tls ? TlsClientContext::load({}) : options.tls) {}

    asio::awaitable<Result<ClientResponse>> send(ClientRequest request, CancellationToken token);
    asio::awaitable<Result<std::unique_ptr<ClientStream>>> open(
        Strand strand, ClientRequest request, CancellationToken token
    );
    /// Keeps the connection for the next request, if it can serve one.
    void give_back(std::unique_ptr<Connection> connection);
    /// From now on it is the other end's turn.
    void await_peer(Stream& stream) const {
        if (options.stall_timeout.count() > 0) stream.allow(options.stall_timeout);
    }
    /// Ends the stream's operation under way when the token says so, or after a stall.
    [[nodiscard]] Watch watch(
        const asio::any_io_executor& strand, const CancellationToken& token, Stream& stream
    ) const;
    /// Whether it was we who ended it. Errors: canceled, timeout.
    [[nodiscard]] Result<void> check(const CancellationToken& token, const Stream& stream) const;

    const asio::any_io_executor executor;
    const Endpoint endpoint;
    const ClientOptions options;

  private:
    asio::awaitable<Result<std::unique_ptr<Connection>>> connect(CancellationToken token);
    asio::awaitable<Result<void>> handshake(Stream& stream, CancellationToken token);
    asio::awaitable<Result<Answer>> exchange(const ClientRequest& request, CancellationToken token);
    asio::awaitable<Result<Head>> exchange_on(
        Connection& connection, const ClientRequest& request, CancellationToken token
    );
    asio::awaitable<Result<void>> send_pieces(Connection& connection, BodyReader& body);
    std::unique_ptr<Connection> take_idle();

    const Result<std::shared_ptr<const TlsClientContext>> tls_;
    Guarded<std::vector<std::unique_ptr<Connection>>> idle_;  // the longest idle first
};

/// A streamed response; gives its connection back after the last piece.
class Streamed final : public ClientStream {
  public:
    Streamed(
        std::shared_ptr<Client::Impl> client, Strand strand, Answer answer, CancellationToken token
    )
        : client_(std::move(client)),
          strand_(std::move(strand)),
          answer_(std::move(answer)),
          token_(std::move(token)) {}

    [[nodiscard]] int status() const override { return answer_.head.status; }
    [[nodiscard]] const Headers& headers() const override { return answer_.head.headers; }
    [[nodiscard]] asio::any_io_executor executor() const override { return strand_; }
    asio::awaitable<Result<std::string_view>> read() override {
        co_return co_await runtime::run_in(strand_, read_here());
    }

  private:
    asio::awaitable<Result<std::string_view>> read_here() {
        piece_.clear();
        if (!answer_.connection) co_return std::string_view();
        MIMIR_CO_TRY(token_.check());  // pieces that come fast leave the watch no time
        Stream& stream = answer_.connection->stream;
        const Watch watch = client_->watch(strand_, token_, stream);
        client_->await_peer(stream);
        if (auto read = co_await answer_.connection->reader.read_body_some(piece_, kNoLimit);
            !read) {
            MIMIR_CO_TRY(client_->check(token_, stream));
            co_return tl::unexpected(std::move(read).error());
        }
        stream.allow_any_time();
        if (answer_.connection->reader.done()) client_->give_back(std::move(answer_.connection));
        co_return std::string_view(piece_);
    }

    static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

    const std::shared_ptr<Client::Impl> client_;
    const asio::any_io_executor strand_;
    Answer answer_;
    const CancellationToken token_;
    std::string piece_;
};

asio::awaitable<Result<ClientResponse>> Client::Impl::send(
    ClientRequest request, CancellationToken token
) {
    MIMIR_CO_TRY(Answer answer, co_await exchange(request, token));
    ClientResponse response{
        .status = answer.head.status, .headers = std::move(answer.head.headers), .body = {}
    };
    auto& [stream, reader, since, begun, cut] = *answer.connection;
    const Watch watching = watch(co_await asio::this_coro::executor, token, stream);
    await_peer(stream);
    if (auto read = co_await reader.read_body(response.body, options.response_bytes_limit); !read) {
        MIMIR_CO_TRY(check(token, stream));
        co_return tl::unexpected(read.error().with_context(endpoint.to_string()));
    }
    give_back(std::move(answer.connection));
    co_return response;
}

asio::awaitable<Result<std::unique_ptr<ClientStream>>> Client::Impl::open(
    Strand strand, ClientRequest request, CancellationToken token
) {
    MIMIR_CO_TRY(Answer answer, co_await exchange(request, token));
    if (answer.connection->reader.done()) give_back(std::move(answer.connection));
    co_return std::make_unique<Streamed>(
        shared_from_this(), std::move(strand), std::move(answer), std::move(token)
    );
}

asio::awaitable<Result<Answer>> Client::Impl::exchange(
    const ClientRequest& request, CancellationToken token
) {
    MIMIR_CO_TRY(check_head(request));
    if (auto kept = take_idle()) {
        auto head = co_await exchange_on(*kept, request, token);
        if (head) co_return Answer{std::move(kept), *std::move(head)};
        // The other end may have closed it at the moment at which we wrote.
        const bool broke = head.error().kind == ErrorKind::unavailable;
        const bool clean = !kept->reader.buffered() && !kept->body_begun;
        if (!broke || !clean || !is_repeatable(request)) {
            co_return tl::unexpected(std::move(head).error());
        }
    }
    MIMIR_CO_TRY(auto connection, co_await connect(token));
    MIMIR_CO_TRY(auto head, co_await exchange_on(*connection, request, token));
    co_return Answer{std::move(connection), std::move(head)};
}

asio::awaitable<Result<std::unique_ptr<Connection>>> Client::Impl::connect(CancellationToken token
) {
    if (!tls_) co_return tl::unexpected(tls_.error());
    MIMIR_CO_TRY(auto socket, co_await detail::connect(endpoint, options.connect_timeout, token));
    if (!endpoint.tls) co_return std::make_unique<Connection>(std::move(socket));
    auto session = TlsSession::of_client(**tls_, endpoint.host, socket.native_handle());
    auto connection = std::make_unique<Connection>(std::move(socket), std::move(session));
    MIMIR_CO_TRY(co_await handshake(connection->stream, token));
    co_return connection;
}

asio::awaitable<Result<void>> Client::Impl::handshake(Stream& stream, CancellationToken token) {
    const auto deadline = std::chrono::steady_clock::now() + options.connect_timeout;
    const CancellationToken limited = token.with_deadline(deadline);
    const auto strand = co_await asio::this_coro::executor;
    const Watch watch(strand, limited, [&stream] { stream.close(); });
    const auto error = co_await stream.handshake();
    if (!error) co_return Result<void>();
    MIMIR_CO_TRY(token.check());
    co_return fail(
        ErrorKind::unavailable,
        "connecting to {}: {}",
        endpoint.to_string(),
        error == asio::error::operation_aborted
            ? fmt::format("no TLS handshake within {} ms", options.connect_timeout.count())
            : stream.tls()->handshake_error().message
    );
}

asio::awaitable<Result<Head>> Client::Impl::exchange_on(
    Connection& connection, const ClientRequest& request, CancellationToken token
) {
    MIMIR_CO_TRY(token.check());
    auto& [stream, reader, since, body_begun, cut_short] = connection;
    const Watch watching = watch(co_await asio::this_coro::executor, token, stream);

    const std::string text = request_head(request, endpoint);
    body_begun = false;
    if (request.begun != nullptr) *request.begun = true;
    await_peer(stream);
    const std::string_view body = request.body_reader == nullptr ? body_of(request) : "";
    // An error here is not the end: who refuses a body answers before it has all come.
    const auto write_error = co_await stream.write({text, body, ""});
    cut_short = write_error.failed();
    if (!write_error && request.body_reader != nullptr) {
        if (auto sent = co_await send_pieces(connection, *request.body_reader); !sent) {
            MIMIR_CO_TRY(check(token, stream));
            co_return tl::unexpected(std::move(sent).error());
        }
    }
    MIMIR_CO_TRY(check(token, stream));
    await_peer(stream);
    Head head;
    do {
        head = {};
        if (request.method == Method::head) reader.expect_no_body();
        if (auto read = co_await reader.read_head(head); !read) {
            MIMIR_CO_TRY(check(token, stream));
            const bool broke = read.error().kind == ErrorKind::unavailable;
            co_return fail(
                broke ? ErrorKind::unavailable : ErrorKind::corrupt,
                "{}: {}",
                endpoint.to_string(),
                write_error && !stream.tls() ? write_error.message() : read.error().message
            );
        }
    } while (head.status < 200);
    stream.allow_any_time();
    co_return head;
}

/// Until the body ends, the connection breaks, or the answer begins. Errors: those of the body.
asio::awaitable<Result<void>> Client::Impl::send_pieces(Connection& connection, BodyReader& body) {
    Stream& stream = connection.stream;
    const auto announced = body.bytes();
    std::uint64_t sent = 0;
    connection.cut_short = announced != sent;
    while (connection.cut_short && !stream.readable()) {
        connection.body_begun = true;
        stream.allow_any_time();
        MIMIR_CO_TRY(const std::string_view piece, co_await body.read());
        await_peer(stream);
        sent += piece.size();
        const bool last = piece.empty();
        if (announced && (last || sent > *announced)) {
            co_return fail(ErrorKind::invalid, "a body of {} bytes was announced", *announced);
        }
        const std::string size = announced ? "" : fmt::format("{:x}\r\n", piece.size());
        if (co_await stream.write({size, piece, announced ? "" : "\r\n"})) break;
        connection.cut_short = !last && announced != sent;
    }
    co_return Result<void>();
}

Watch Client::Impl::watch(
    const asio::any_io_executor& strand, const CancellationToken& token, Stream& stream
) const {
    auto close = [&stream] { stream.close(); };
    if (options.stall_timeout.count() == 0) return {strand, token, std::move(close)};
    auto overdue = [&stream] { return stream.overdue(std::chrono::steady_clock::now()); };
    return {strand, token, std::move(close), std::move(overdue)};
}

Result<void> Client::Impl::check(const CancellationToken& token, const Stream& stream) const {
    MIMIR_TRY(token.check());
    if (!stream.overdue(std::chrono::steady_clock::now())) return {};
    return fail(
        ErrorKind::timeout,
        "{}: nothing came or went for {} ms",
        endpoint.to_string(),
        options.stall_timeout.count()
    );
}

std::unique_ptr<Connection> Client::Impl::take_idle() {
    const auto oldest = std::chrono::steady_clock::now() - options.idle_timeout;
    return idle_.with([&](auto& idle) {
        std::unique_ptr<Connection> taken;
        while (!taken && !idle.empty()) {
            taken = std::move(idle.back());
            idle.pop_back();
            // Readable without a request: the other end has closed it.
            if (taken->idle_since < oldest || taken->stream.readable()) taken.reset();
        }
        return taken;
    });
}

void Client::Impl::give_back(std::unique_ptr<Connection> connection) {
    if (!connection->reader.done() || !connection->reader.keep_alive() || connection->cut_short) {
        return;
    }
    connection->stream.allow_any_time();
    connection->idle_since = std::chrono::steady_clock::now();
    const auto oldest = connection->idle_since - options.idle_timeout;
    idle_.with([&](auto& idle) {
        idle.push_back(std::move(connection));
        const bool one_too_many = idle.size() > options.idle_connections_limit;
        if (one_too_many || idle.front()->idle_since < oldest) idle.erase(idle.begin());
    });
}

Client::Client(runtime::IoThreads& io, Endpoint endpoint, ClientOptions options)
    : impl_(std::make_shared<Impl>(io, std::move(endpoint), std::move(options))) {}
Client::~Client() = default;

asio::awaitable<Result<ClientResponse>> Client::send(
    ClientRequest request, CancellationToken token
) {
    const Strand strand = asio::make_strand(impl_->executor);
    co_return co_await runtime::run_in(strand, impl_->send(std::move(request), std::move(token)));
}

asio::awaitable<Result<std::unique_ptr<ClientStream>>> Client::open(
    ClientRequest request, CancellationToken token
) {
    const Strand strand = asio::make_strand(impl_->executor);
    co_return co_await runtime::run_in(
        strand, impl_->open(strand, std::move(request), std::move(token))
    );
}

void Client::send(
    ClientRequest request, CancellationToken token, std::function<void(Result<ClientResponse>)> done
) {
    auto on_end = [impl = impl_, done = std::move(done)](
                      const std::exception_ptr& error, Result<ClientResponse> response
                  ) {
        MIMIR_ASSERT(error == nullptr, "coroutines return their errors");
        done(std::move(response));
    };
    asio::co_spawn(
        asio::make_strand(impl_->executor),
        impl_->send(std::move(request), std::move(token)),
        std::move(on_end)
    );
}

void Client::open(
    ClientRequest request,
    CancellationToken token,
    std::function<void(Result<std::unique_ptr<ClientStream>>)> done
) {
    auto on_end = [impl = impl_, done = std::move(done)](
                      const std::exception_ptr& error, Result<std::unique_ptr<ClientStream>> stream
                  ) {
        MIMIR_ASSERT(error == nullptr, "coroutines return their errors");
        done(std::move(stream));
    };
    const Strand strand = asio::make_strand(impl_->executor);
    asio::co_spawn(
        strand, impl_->open(strand, std::move(request), std::move(token)), std::move(on_end)
    );
}

const Endpoint& Client::endpoint() const { return impl_->endpoint; }

BlockingClient::BlockingClient(Endpoint endpoint, ClientOptions options)
    : io_(1), client_(io_, std::move(endpoint), std::move(options)) {}
BlockingClient::~BlockingClient() = default;

Result<ClientResponse> BlockingClient::send(ClientRequest request, CancellationToken token) {
    return runtime::wait(io_, client_.send(std::move(request), std::move(token)));
}

Result<ClientResponse> BlockingClient::stream(
    ClientRequest request,
    const std::function<bool(std::string_view)>& on_piece,
    CancellationToken token
) {
    MIMIR_TRY(auto stream, runtime::wait(io_, client_.open(std::move(request), std::move(token))));
    ClientResponse response{.status = stream->status(), .headers = stream->headers(), .body = {}};
    const bool is_success = response.status / 100 == 2;
    for (;;) {
        MIMIR_TRY(const std::string_view piece, runtime::wait(io_, stream->read()));
        if (piece.empty()) break;
        if (!is_success) {
            response.body += piece;
            if (response.body.size() > kRefusalBytesLimit) break;
        } else if (!on_piece(piece)) {
            break;
        }
    }
    return response;
}

}  // namespace mimir::http
