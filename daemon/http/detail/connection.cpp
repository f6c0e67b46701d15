#include "http/detail/connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "encoding/gzip.hpp"
#include "http/detail/listener.hpp"
#include "http/detail/response_head.hpp"
#include "http/detail/route_state.hpp"
#include "http/error_status.hpp"
#include "runtime/run_on.hpp"

namespace mimir::http::detail {
namespace {

using namespace std::chrono_literals;

/// How long a client may take to read a refusal while it still sends what was refused.
constexpr auto kLingerTime = 1s;
/// How long a client may take to read on in a stream that was given up: the module that made it is stopping.
constexpr auto kGivenUpTime = 500ms;
/// Compressing this takes the event loop a fraction of a millisecond.
constexpr std::size_t kGzipOnLoopBytesMax = 16 << 10;

/// The trace id of a W3C traceparent header, "00-<trace id>-<span id>-<flags>".
std::string trace_id_of(const Headers& headers) {
    const std::string_view parent = headers.get("traceparent").value_or("");
    return parent.size() == 55 ? std::string(parent.substr(3, 32)) : std::string();
}

/// Path and query of a request target; a proxy's absolute form loses scheme and authority.
Result<void> split_target(Request& request) {
    std::string_view target = request.target;
    if (const std::size_t scheme = target.find("://");
        scheme != std::string_view::npos && scheme < target.find('/')) {
        target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
    }
    const std::size_t question = std::min(target.find('?'), target.size());
    request.path = target.substr(0, question);
    MIMIR_TRY(
        request.query, Parameters::parse(target.substr(std::min(question + 1, target.size())))
    );
    return {};
}

Refusal refusal_of_body(const Error& error, const Route& route) {
    const bool too_large = error.kind == ErrorKind::limit;
    const bool own_words = too_large && !route.body_too_large.empty();
    return {
        .status = too_large ? 413 : 400,
        .module = route.module,
        .message = own_words ? route.body_too_large : error.message
    };
}

}  // namespace

/// Reads the body of a request for its handler.
class Connection::ReceivedBody final : public BodyReader {
  public:
    ReceivedBody(Connection& connection, const Request& request, std::size_t bytes_limit)
        : connection_(connection),
          request_(request),
          bytes_limit_(bytes_limit),
          announced_(connection.reader_.body_bytes()) {}

    [[nodiscard]] std::optional<std::uint64_t> bytes() const override { return announced_; }
    asio::awaitable<Result<std::string_view>> read() override {
        co_return co_await runtime::run_in(connection_.executor_, read_here());
    }
    [[nodiscard]] std::size_t bytes_read() const { return bytes_read_; }
    /// Of reading, if one has occurred.
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  private:
    asio::awaitable<Result<std::string_view>> read_here() {
        piece_.clear();
        if (!error_ && !connection_.reader_.done()) {
            if (auto read = co_await read_piece(); !read) error_ = std::move(read).error();
        }
        if (error_) co_return tl::unexpected(*error_);
        bytes_read_ += piece_.size();
        co_return std::string_view(piece_);
    }

    asio::awaitable<Result<void>> read_piece() {
        if (!std::exchange(begun_, true)) {
            MIMIR_CO_TRY(connection_.reader_.check_announced(bytes_limit_));
            if (connection_.waits_for_continue(request_)) {
                MIMIR_CO_TRY(co_await connection_.say_continue());
            }
        }
        connection_.stream_.allow(connection_.server_.options.read_timeout);
        auto read = co_await connection_.reader_.read_body_some(piece_, bytes_limit_);
        connection_.stream_.allow_any_time();
        if (!read && read.error().kind == ErrorKind::unavailable) {
            read.error().kind = ErrorKind::canceled;
        }
        co_return read;
    }

    Connection& connection_;
    const Request& request_;
    const std::size_t bytes_limit_;
    const std::optional<std::uint64_t> announced_;
    bool begun_ = false;
    std::string piece_;
    std::size_t bytes_read_ = 0;
    std::optional<Error> error_;
};

/// A request on its way to being answered.
struct Connection::Exchange {
    // Leases outlive the response, whose stream may use the handler's owner.
    std::optional<RouteState::Lease> front_lease;  // while it serves the request
    std::optional<RouteState::Lease> lease;
    Router::Match match;
    std::optional<Front::Verdict> verdict;  // where there is a front
    Request request;
    std::optional<ReceivedBody> received;  // of routes that stream it
    Response response;
    std::string_view route_label = "other";
    int version = 11;
    bool keep_alive = true;
    std::size_t request_bytes = 0;
    std::size_t response_bytes = 0;
};

/// Sends a streamed response: its head with the first piece, then a chunk for each piece.
class Connection::StreamedBody final : public BodyWriter {
  public:
    StreamedBody(
        Connection& connection,
        std::string head,
        int version,
        std::optional<std::uint64_t> announced
    )
        : connection_(connection),
          head_(std::move(head)),
          announced_(announced),
          chunked_(version >= 11 && !announced) {}

    asio::awaitable<Result<void>> write(std::string_view piece) override {
        co_return co_await runtime::run_in(connection_.executor_, write_here(piece));
    }
    asio::awaitable<Result<void>> finish() {
        if (announced_ && bytes_ != *announced_) co_return not_announced();
        co_return co_await send({head_, chunked_ ? "0\r\n\r\n" : "", ""});
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    asio::awaitable<Result<void>> write_here(std::string_view piece) {
        if (piece.empty()) co_return Result<void>();
        if (chunked_) fmt::format_to(std::back_inserter(head_), "{:x}\r\n", piece.size());
        bytes_ += piece.size();
        if (announced_ && bytes_ > *announced_) co_return not_announced();
        co_return co_await send({head_, piece, chunked_ ? "\r\n" : ""});
    }
    [[nodiscard]] Result<void> not_announced() const {
        return fail(ErrorKind::internal, "a body of {} bytes was announced", *announced_);
    }

    asio::awaitable<Result<void>> send(Stream::Pieces pieces) {
        connection_.stream_.allow(connection_.server_.options.write_timeout);
        connection_.sending_ = Sending::piece;
        const auto error = co_await connection_.stream_.write(pieces);
        connection_.sending_ = Sending::nothing;
        connection_.stream_.allow_any_time();
        head_.clear();
        if (error) co_return fail(ErrorKind::canceled, "the client is gone: {}", error.message());
        co_return Result<void>();
    }

    Connection& connection_;
    std::string head_;  // what goes before the next piece
    const std::optional<std::uint64_t> announced_;
    const bool chunked_;
    std::uint64_t bytes_ = 0;
};

Connection::Connection(
    ServerContext& server,
    Strand strand,
    Stream::Socket socket,
    std::unique_ptr<TlsSession> tls,
    Peer peer
)
    : server_(server),
      strand_(std::move(strand)),
      stream_(std::move(socket), std::move(tls), server.options.progress_bytes_min),
      reader_(stream_, server.options.header_bytes_limit),
      peer_(std::move(peer)) {}

asio::awaitable<void> Connection::serve() {
    if (co_await handshake()) {
        while (co_await serve_one()) {
        }
    }
    stream_.close();
}

asio::awaitable<bool> Connection::handshake() {
    const TlsSession* tls = stream_.tls();
    if (tls == nullptr) co_return true;
    stream_.allow(server_.options.read_timeout);
    idle_ = true;
    set_waiting(true);
    const error_code error = co_await stream_.handshake();
    set_waiting(false);
    idle_ = false;
    if (!error) {
        peer_.certificate_name = tls->peer_certificate_name();
        co_return true;
    }
    const bool overdue = error == asio::error::operation_aborted;
    const Error why = overdue ? Error{ErrorKind::timeout, {}, "TLS handshake: the client stalls"}
                              : tls->handshake_error();
    if (server_.observer != nullptr) server_.observer->handshake_failed(peer_, why);
    if (!overdue) dismiss(stream_.descriptor(), tls->spoke_plain_http() ? speak_tls() : "");
    co_return false;
}

/// In plain HTTP, for who spoke it to an address with TLS.
std::string Connection::speak_tls() const {
    const Refusal refusal{
        .status = 400, .message = "this address speaks TLS, and got plain HTTP: use https://"
    };
    return last_response(server_.router.refuse(refusal, Request{.peer = peer_}));
}

asio::awaitable<bool> Connection::serve_one() {
    if (server_.draining && !reader_.buffered() && !stream_.readable()) co_return false;
    stream_.allow(server_.options.idle_timeout);
    idle_ = true;
    set_waiting(true);
    const bool arrived = co_await reader_.wait();
    idle_ = false;
    if (!arrived) co_return false;

    stream_.allow(server_.options.read_timeout);
    Head head;
    auto read = co_await reader_.read_head(head);
    set_waiting(false);
    if (!read) {
        const Request unreadable{.peer = peer_};
        co_await refuse(read.error(), unreadable);
        co_return false;
    }
    Exchange exchange;
    Request& request = exchange.request;
    token_ = CancellationToken::create();
    request.context.cancellation = token_;
    request.context.trace_id = trace_id_of(head.headers);
    request.method = head.method;
    request.target = std::move(head.target);
    request.headers = std::move(head.headers);
    request.peer = peer_;
    exchange.version = head.version;
    exchange.keep_alive = head.version >= 11 && reader_.keep_alive() && !server_.draining;
    co_return co_await respond(exchange);
}

asio::awaitable<bool> Connection::respond(Exchange& exchange) {
    Request& request = exchange.request;
    if (auto split = split_target(request); !split) {
        co_await refuse(split.error(), request);
        co_return false;
    }
    if (exchange.version >= 11 && !request.headers.has("Host")) {
        const Error no_host{ErrorKind::invalid, {}, "missing required Host header"};
        co_await refuse(no_host, request);
        co_return false;
    }

    const auto started = std::chrono::steady_clock::now();
    find_handler(exchange);
    const Router::Match& match = exchange.match;
    const auto& verdict = exchange.verdict;
    if (server_.observer != nullptr) {
        server_.observer->request_started(request.method, exchange.route_label);
    }
    if (verdict && verdict->answer) {
        exchange.response = *std::move(exchange.verdict->answer);
    } else if (verdict && verdict->handler) {
        co_await handle_streaming(exchange, match.front->route, verdict->handler);
    } else if (match.route) {
        const Route& route = match.route->route;
        if (route.streams_body) {
            co_await handle_streaming(exchange, route, route.handler);
        } else if (auto body = co_await receive_body(exchange, route.body_bytes_limit); body) {
            exchange.response = co_await call_handler(route, route.handler, request);
        } else {
            refuse_body(exchange, body.error(), route);
        }
    } else {
        exchange.response = server_.router.refuse(match.refusal, request);
    }
    const bool whole = reader_.done();
    if (!whole || server_.draining) exchange.keep_alive = false;
    co_await compress(request, exchange.response);
    const bool sent = co_await send(exchange);
    if (verdict && verdict->passage) verdict->passage->finished(exchange.response.status);
    if (server_.observer != nullptr) {
        server_.observer->request_finished(
            {.method = request.method,
             .target = request.target,
             .route = exchange.route_label,
             .status = exchange.response.status,
             .duration = std::chrono::steady_clock::now() - started,
             .request_bytes = exchange.request_bytes,
             .response_bytes = exchange.response_bytes,
             .context = request.context,
             .peer = request.peer}
        );
    }
    if (sent && !whole) co_await linger();
    co_return sent&& exchange.keep_alive;
}

/// Asks the front, where there is one, and finds the route.
void Connection::find_handler(Exchange& exchange) {
    Request& request = exchange.request;
    Router::Match& match = exchange.match;
    for (;;) {  // again when what was found was closed just after
        match = server_.router.match(request.method, request.path, server_.audience());
        if (match.front && !exchange.verdict && !ask_front(exchange)) continue;
        if (exchange.verdict && (exchange.verdict->answer || exchange.verdict->handler)) {
            if (!match.owner.label.empty()) exchange.route_label = match.owner.label;
            return;
        }
        if (!match.route) return;
        match.route->enter(token_, exchange.lease);
        if (exchange.lease) break;
    }
    exchange.route_label = match.route->label;
    request.path_parameters = std::move(match.path_parameters);
}

/// False when it is gone.
bool Connection::ask_front(Exchange& exchange) {
    const Router::Match& match = exchange.match;
    match.front->enter(token_, exchange.front_lease);
    if (!exchange.front_lease) return false;
    exchange.verdict = match.front->front->examine(exchange.request, match.owner);
    if (!exchange.verdict->handler) exchange.front_lease.reset();
    return true;
}

asio::awaitable<void> Connection::handle_streaming(
    Exchange& exchange, const Route& route, const Handler& handler
) {
    auto& received = exchange.received.emplace(*this, exchange.request, route.body_bytes_limit);
    exchange.request.body_reader = &received;
    exchange.response = co_await call_handler(route, handler, exchange.request);
    exchange.request_bytes = received.bytes_read();
    if (received.error()) refuse_body(exchange, *received.error(), route);
}

void Connection::refuse_body(Exchange& exchange, const Error& error, const Route& route) {
    exchange.response = {};
    if (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::canceled) {
        exchange.response.status = 499;  // for the metrics: nobody is there
    } else {
        const Refusal refusal = refusal_of_body(error, route);
        exchange.response = server_.router.refuse(refusal, exchange.request);
    }
}

/// The client sends its body only when told that it may come.
bool Connection::waits_for_continue(const Request& request) const {
    return !reader_.buffered() && request.headers.has_token("Expect", "100-continue");
}

asio::awaitable<Result<void>> Connection::say_continue() {
    if (co_await stream_.write({"HTTP/1.1 100 Continue\r\n\r\n", "", ""})) {
        co_return fail(ErrorKind::unavailable, "the client is gone");
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::receive_body(
    Exchange& exchange, std::size_t bytes_limit
) {
    if (reader_.done()) co_return Result<void>();
    MIMIR_CO_TRY(reader_.check_announced(bytes_limit));
    if (waits_for_continue(exchange.request)) MIMIR_CO_TRY(co_await say_continue());
    stream_.allow(server_.options.read_timeout);
    auto read = co_await reader_.read_body(exchange.request.body, bytes_limit);
    exchange.request_bytes = exchange.request.body.size();
    co_return read;
}

asio::awaitable<Response> Connection::call_handler(
    const Route& route, const Handler& handler, Request& request
) {
    stream_.allow_any_time();
    handling_ = true;
    // Nothing of ours throws. What a library throws through a handler costs its request, not the
    // process.
    try {
        auto response = co_await handler(request);
        handling_ = false;
        co_return response;
    } catch (const std::exception& e) {
        handling_ = false;
        const Refusal threw{
            .status = 500,
            .module = route.module,
            .message = fmt::format("internal error: {}", e.what())
        };
        co_return server_.router.refuse(threw, request);
    }
}

asio::awaitable<void> Connection::compress(const Request& request, Response& response) {
    if (response.stream || response.body.size() < server_.options.gzip_bytes_min ||
        is_bodyless(response.status) || response.headers.has("Content-Encoding")) {
        co_return;
    }
    response.headers.add("Vary", "Accept-Encoding");
    if (!accepts_gzip(request.headers)) co_return;
    if (response.body.size() <= kGzipOnLoopBytesMax) {
        response.body = encoding::gzip_compress(response.body);
    } else {
        auto job = [&response] {
            return Result<std::string>(encoding::gzip_compress(response.body));
        };
        auto compressed = co_await runtime::run_on(server_.threads.compression, std::move(job));
        if (!compressed) co_return;  // too busy: as it is, then
        response.body = *std::move(compressed);
    }
    response.headers.add("Content-Encoding", "gzip");
}

asio::awaitable<bool> Connection::send(Exchange& exchange) {
    const Response& response = exchange.response;
    const bool head_only = exchange.request.method == Method::head;
    if (response.stream && !is_bodyless(response.status)) {
        co_return co_await send_streamed(exchange);
    }
    const std::string head = response_head(
        response,
        {.body_bytes = response.body.size(),
         .version = exchange.version,
         .keep_alive = exchange.keep_alive}
    );
    const bool with_body = !head_only && !is_bodyless(response.status);
    stream_.allow(server_.options.write_timeout);
    const std::string_view body = with_body ? std::string_view(response.body) : "";
    const auto error = co_await stream_.write({head, body, ""});
    exchange.response_bytes = body.size();
    co_return !error;
}

asio::awaitable<bool> Connection::send_streamed(Exchange& exchange) {
    if (exchange.version < 11) exchange.keep_alive = false;
    std::string head = response_head(
        exchange.response,
        {.body_bytes = exchange.response.stream_bytes,
         .version = exchange.version,
         .keep_alive = exchange.keep_alive}
    );
    if (exchange.request.method == Method::head) {
        co_return !co_await stream_.write({head, "", ""});
    }
    StreamedBody body(*this, std::move(head), exchange.version, exchange.response.stream_bytes);
    stream_.allow_any_time();
    handling_ = true;
    endless_ = exchange.response.endless;
    if (endless_ && server_.draining) token_.cancel();
    auto produced = co_await exchange.response.stream(body);
    endless_ = false;
    handling_ = false;
    if (produced) produced = co_await body.finish();
    exchange.response_bytes = body.bytes();
    co_return produced.has_value();
}

asio::awaitable<void> Connection::refuse(const Error& error, const Request& request) {
    if (error.kind == ErrorKind::unavailable) co_return;  // nobody is there to read it
    const int status = error.kind == ErrorKind::limit ? 431 : 400;
    const Refusal refusal{
        .status = status, .message = fmt::format("{}: {}", reason_phrase(status), error.message)
    };
    const Response response = server_.router.refuse(refusal, request);
    const std::string head =
        response_head(response, {.body_bytes = response.body.size(), .keep_alive = false});
    stream_.allow(server_.options.write_timeout);
    if (!co_await stream_.write({head, response.body, ""})) co_await linger();
}

/// Reads on for a while: closing a socket with unread bytes resets it, and the response may be lost
/// on the way.
asio::awaitable<void> Connection::linger() {
    const auto time =
        std::min<std::chrono::milliseconds>(kLingerTime, server_.options.read_timeout);
    const auto end = std::chrono::steady_clock::now() + time;
    std::array<char, 16 << 10> discarded;
    stream_.shutdown_send();
    stream_.allow(time);
    while (std::chrono::steady_clock::now() < end) {
        const auto read = co_await stream_.read_some(asio::buffer(discarded));
        if (read.error) co_return;
    }
}

bool Connection::needs_look(TimePoint now) const {
    return handling_.load(std::memory_order_relaxed) || stream_.overdue(now);
}

void Connection::look() {
    if (handling_ && stream_.peer_gone()) token_.cancel();
    if (sending_ == Sending::piece && !token_.check()) {
        stream_.allow(kGivenUpTime);
        sending_ = Sending::hurried;
    }
    if (stream_.overdue(std::chrono::steady_clock::now())) stream_.close();
}

void Connection::set_waiting(bool waiting) {
    waiting_ = waiting;
    waiting_since_ = waiting ? std::chrono::steady_clock::now() : TimePoint::max();
}

void Connection::make_room() {
    if (!waiting_) return;
    if (stream_.readable()) {
        set_waiting(true);  // something has just come: it is the last in the line again
    } else {
        stream_.close();
    }
}

void Connection::drain() {
    if (endless_) token_.cancel();
    if (idle_ && !stream_.readable()) stream_.close();
}

void Connection::abort() {
    token_.cancel();
    stream_.close();
}

}  // namespace mimir::http::detail
