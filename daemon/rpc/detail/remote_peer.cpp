#include "rpc/detail/remote_peer.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "base/assert.hpp"
#include "rpc/detail/frame_stream.hpp"
#include "rpc/detail/protocol.hpp"
#include "wire/internal.hpp"

namespace mimir::rpc::detail {
namespace {

/// Of a refusal's text.
constexpr std::size_t kRefusalBytesMax = 64 << 10;

Result<http::Endpoint> endpoint_of(std::string_view address, bool with_tls) {
    MIMIR_TRY(auto endpoint, http::Endpoint::parse(address));
    if (endpoint.unix_path.empty() && with_tls) endpoint.tls = true;
    return endpoint;
}

/// Who answers thus is no part of the protocol: the router of a process that lacks the call's module, or a
/// stranger.
Error error_of_status(int status, std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    ErrorKind kind = ErrorKind::corrupt;
    switch (status) {
        case 413: kind = ErrorKind::limit; break;
        case 404:
        case 405:
        case 499:
        case 502:
        case 503:
        case 504: kind = ErrorKind::unavailable; break;
        default: break;
    }
    return {kind, {}, fmt::format("status {}: {}", status, text.substr(0, 1000))};
}

}  // namespace

/// One call, from the one who makes it to its end.
struct RemotePeer::Call {
    std::string name;
    RequestContext context;
    std::shared_ptr<const std::string> body;
    http::Headers headers;
    // One of these is set, and told once.
    Done<std::string> done;
    Done<std::unique_ptr<FrameStream>> opened;

    CancellationToken token;  // the context's child
    TimePoint started;
    std::uint32_t protocol = 0;
    bool renegotiated = false;
    bool is_trial = false;
    CallMetrics* metrics = nullptr;
    std::optional<Error> given_up;  // under the peer's lock: why we canceled it

    [[nodiscard]] bool is_stream() const { return opened != nullptr; }
    void fail(Error error) const {
        if (is_stream()) {
            opened(tl::unexpected(std::move(error)));
        } else {
            done(tl::unexpected(std::move(error)));
        }
    }
};

RemotePeer::RemotePeer(std::string address, const PeerEnvironment& environment)
    : address_(std::move(address)),
      environment_(environment),
      options_(environment.options),
      log_(environment.log),
      breaker_({
          .failures_max = options_.breaker_failures,
          .open_min = options_.breaker_open_min,
          .open_max = options_.breaker_open_max,
      }),
      last_used_(environment.clock.steady_now()),
      last_heard_(last_used_),
      protocol_(options_.protocol.max) {
    ClientMetrics& metrics = environment.metrics;
    sent_bytes_ = metrics.request_bytes.with({address_});
    in_flight_ = metrics.in_flight.with({address_});
    queued_ = metrics.queued.with({address_});
    circuit_open_ = metrics.circuit_open.with({address_});
    auto endpoint = endpoint_of(address_, options_.tls != nullptr);
    if (!endpoint) {
        malformed_ = {
            ErrorKind::unavailable, kPeerUnreachable, std::move(endpoint).error().message
        };
        return;
    }
    http::ClientOptions client{
        .idle_connections_limit = options_.connections_limit,
        .connect_timeout = options_.connect_timeout,
        .response_bytes_limit = options_.answer_bytes_limit,
        .tls = options_.tls
    };
    client_.emplace(environment.io, *std::move(endpoint), std::move(client));
}

RemotePeer::~RemotePeer() = default;

void RemotePeer::call(
    const RequestContext& context,
    std::string_view name,
    std::shared_ptr<const std::string> body,
    http::Headers headers,
    Done<std::string> done
) {
    auto call = std::make_shared<Call>();
    call->name = name;
    call->context = context;
    call->body = std::move(body);
    call->headers = std::move(headers);
    call->done = std::move(done);
    begin(call);
}

void RemotePeer::open(
    const RequestContext& context,
    std::string_view name,
    std::shared_ptr<const std::string> body,
    http::Headers headers,
    Done<std::unique_ptr<FrameStream>> done
) {
    auto call = std::make_shared<Call>();
    call->name = name;
    call->context = context;
    call->body = std::move(body);
    call->headers = std::move(headers);
    call->opened = std::move(done);
    begin(call);
}

void RemotePeer::begin(const CallPtr& call) {
    if (!call->body) call->body = std::make_shared<const std::string>();
    call->token = call->context.cancellation.child();
    call->started = std::chrono::steady_clock::now();
    bool waits = false;
    if (auto admitted = admit(call, waits); !admitted) {
        count(*call, admitted);
        call->fail(std::move(admitted).error());
    } else if (!waits) {
        send(call);
    }
}

Result<void> RemotePeer::admit(const CallPtr& call, bool& waits) {
    const auto refuse = [&](std::string_view why) {
        return fail(ErrorKind::unavailable, "{}: {}", address_, why);
    };
    const std::lock_guard lock(mutex_);
    if (closed_) return refuse("this process stops calling");
    call->metrics = &metrics_of(call->name);
    if (!client_) return tl::unexpected(malformed_);
    MIMIR_TRY(call->token.check());
    const std::size_t calls = active_.size() - streams_ + queue_.size();
    if (call->is_stream() ? streams_ >= options_.streams_limit : calls >= options_.calls_limit) {
        return refuse("too many calls are under way");
    }
    const std::size_t bytes = call->body->size();
    if (request_bytes_ > 0 && request_bytes_ + bytes > options_.request_bytes_limit) {
        return refuse("too many bytes are under way");
    }
    const TimePoint now = environment_.clock.steady_now();
    switch (breaker_.admit(now)) {
        case Breaker::Verdict::refuse:
            return fail_with_id(
                ErrorKind::unavailable,
                kPeerUnreachable,
                "{}: can't be reached: {}",
                address_,
                breaker_.last().message
            );
        case Breaker::Verdict::trial: call->is_trial = true; break;
        case Breaker::Verdict::pass: break;
    }
    last_used_ = now;
    request_bytes_ += bytes;
    ++untold_;
    waits = !call->is_stream() && calls_sent_ >= options_.connections_limit;
    if (waits) {
        queue_.push_back(call);
        environment_.wake();
    } else {
        active_.insert(call);
        ++(call->is_stream() ? streams_ : calls_sent_);
    }
    sent_bytes_->add(bytes);
    expose_state();
    return {};
}

http::ClientRequest RemotePeer::request_of(const Call& call) const {
    http::ClientRequest request{
        .method = http::Method::post,
        .target = std::string(kPathPrefix) + call.name,
        .headers = call.headers,
        .body = {},
        .shared_body = call.body,
        .repeatable = true
    };
    http::Headers& headers = request.headers;
    headers.add(header::kProtocol, fmt::to_string(call.protocol));
    headers.add(header::kCluster, options_.cluster);
    headers.add("Content-Type", content::kMessage);
    const RequestContext& context = call.context;
    if (context.tenant) headers.add(header::kTenant, context.tenant->str());
    if (const auto deadline = context.cancellation.deadline()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            *deadline - std::chrono::steady_clock::now()
        );
        headers.add(header::kTimeout, fmt::to_string(std::max<std::int64_t>(left.count(), 1)));
    }
    if (context.trace_id.size() == 32) {
        const std::string_view span = std::string_view(context.trace_id).substr(16);
        headers.add("traceparent", fmt::format("00-{}-{}-00", context.trace_id, span));
    }
    return request;
}

void RemotePeer::send(const CallPtr& call) {
    {
        const std::lock_guard lock(mutex_);
        call->protocol = protocol_;
    }
    const auto self = shared_from_this();
    if (call->is_stream()) {
        client_->open(request_of(*call), call->token, [self, call](auto response) {
            self->finish_open(call, std::move(response));
        });
    } else {
        client_->send(request_of(*call), call->token, [self, call](auto response) {
            self->finish_call(call, std::move(response));
        });
    }
}

void RemotePeer::finish_call(const CallPtr& call, Result<http::ClientResponse> response) {
    if (!response) {
        Error error = explain(*call, connection_error(response.error()));
        end(call, tl::unexpected(error), reach_of(response.error()));
        call->fail(std::move(error));
        return told();
    }
    if (negotiate(call, response->headers)) return send(call);
    auto answer = read_answer(response->status, response->headers, std::move(response->body));
    if (!answer) answer = tl::unexpected(explain(*call, std::move(answer).error()));
    end(call, answer ? Result<void>() : tl::unexpected(answer.error()), Reach::reached);
    if (answer && !call->is_stream()) {
        call->done(std::move(answer));
    } else {
        // Success without frames, to one who wants frames, is no answer.
        call->fail(
            answer ? Error{ErrorKind::corrupt, {}, address_ + ": no frames"} : answer.error()
        );
    }
    told();
}

void RemotePeer::finish_open(
    const CallPtr& call, Result<std::unique_ptr<http::ClientStream>> response
) {
    if (!response) return finish_call(call, tl::unexpected(std::move(response).error()));
    const http::ClientStream& stream = **response;
    const bool has_frames = stream.headers().get("Content-Type") == content::kFrames;
    if (stream.status() == 200 && has_frames) return stream_frames(call, *std::move(response));
    const auto executor = stream.executor();
    auto reading = read_refusal(call, *std::move(response));
    auto on_end = [self = shared_from_this()](const std::exception_ptr& error) {
        MIMIR_ASSERT(error == nullptr, "coroutines return their errors");
    };
    http::asio::co_spawn(executor, std::move(reading), std::move(on_end));
}

http::asio::awaitable<void> RemotePeer::read_refusal(
    CallPtr call, std::unique_ptr<http::ClientStream> response
) {
    http::ClientResponse whole{
        .status = response->status(), .headers = response->headers(), .body = {}
    };
    while (whole.body.size() < kRefusalBytesMax) {
        auto piece = co_await response->read();
        if (!piece) co_return finish_call(call, tl::unexpected(std::move(piece).error()));
        if (piece->empty()) break;
        whole.body += *piece;
    }
    response.reset();
    finish_call(call, std::move(whole));
}

void RemotePeer::stream_frames(const CallPtr& call, std::unique_ptr<http::ClientStream> response) {
    const auto self = shared_from_this();
    if (const auto theirs =
            parse_protocol_range(response->headers().get(header::kProtocol).value_or(""))) {
        learn_protocol(*theirs);
    }
    {
        const std::lock_guard lock(mutex_);
        note(Reach::reached, nullptr, environment_.clock.steady_now());
    }
    FrameStreamOptions options{
        .frame_bytes_limit = options_.answer_bytes_limit,
        .address = address_,
        .token = call->token,
        .explain = [self, call](Error error) { return self->explain(*call, std::move(error)); },
        .on_end =
            [self, call](const Result<void>& how) {
                const bool cut = !how && how.error().kind == ErrorKind::unavailable;
                self->end(call, how, cut ? Reach::unknown : Reach::reached);
            }
    };
    open_frames(std::move(response), std::move(options), [self, call](auto stream) {
        call->opened(std::move(stream));
        self->told();
    });
}

bool RemotePeer::negotiate(const CallPtr& call, const http::Headers& headers) {
    const auto theirs = parse_protocol_range(headers.get(header::kProtocol).value_or(""));
    if (!theirs) return false;
    learn_protocol(*theirs);
    if (headers.get(header::kRefused) != refused::kProtocol || call->renegotiated) return false;
    const std::lock_guard lock(mutex_);
    if (closed_ || mismatch_ || protocol_ == call->protocol) return false;
    call->renegotiated = true;
    return true;
}

void RemotePeer::learn_protocol(const ProtocolRange& theirs) {
    const auto common = newest_common(options_.protocol, theirs);
    const std::lock_guard lock(mutex_);
    mismatch_.reset();
    if (common) {
        protocol_ = *common;
        return;
    }
    mismatch_ = Error{
        ErrorKind::unavailable,
        {},
        fmt::format(
            "{} speaks versions {} of the internal protocol, this process {}",
            address_,
            to_string(theirs),
            to_string(options_.protocol)
        )
    };
}

Result<std::string> RemotePeer::read_answer(
    int status, const http::Headers& headers, std::string body
) {
    const std::string_view type = headers.get("Content-Type").value_or("");
    if (status == 200 && type == content::kMessage) return body;
    if (type != content::kError) {
        return tl::unexpected(error_of_status(status, body).with_context(address_));
    }
    Error error = read_error(body);
    const auto refusal = headers.get(header::kRefused);
    if (!refusal) return tl::unexpected(std::move(error));
    // A refusal tells about the process, not about what was asked.
    error = error.with_context(address_);
    error.kind = ErrorKind::unavailable;
    const std::lock_guard lock(mutex_);
    if (refusal == refused::kProtocol && mismatch_) return tl::unexpected(*mismatch_);
    if (refusal == refused::kCluster) mismatch_ = error;
    return tl::unexpected(std::move(error));
}

/// Of a call that the caller has not given up nobody says that it was canceled.
Error RemotePeer::explain(const Call& call, Error error) const {
    if (error.kind != ErrorKind::canceled || call.context.cancellation.canceled()) return error;
    const std::lock_guard lock(mutex_);
    if (call.given_up) return *call.given_up;
    if (call.token.canceled()) return error;  // who read the frames went away
    error.kind = ErrorKind::unavailable;
    return error.with_context(address_);
}

RemotePeer::Reach RemotePeer::reach_of(const Error& error) {
    switch (error.kind) {
        case ErrorKind::unavailable:
        case ErrorKind::corrupt: return Reach::failed;
        case ErrorKind::timeout: return Reach::late;
        case ErrorKind::limit: return Reach::reached;
        default: return Reach::unknown;
    }
}

/// With the lock held.
void RemotePeer::note(Reach reach, const Error* error, TimePoint now) {
    const bool was_open = breaker_.is_open();
    switch (reach) {
        case Reach::reached:
            last_heard_ = now;
            suspect_ = false;
            breaker_.reached();
            break;
        case Reach::failed: breaker_.failed(*error, now); break;
        case Reach::late: suspect_ = true; break;
        case Reach::unknown: break;
    }
    if (breaker_.is_open() == was_open) return;
    expose_state();
    if (was_open) {
        log_.info("a process can be reached again", {{"addr", address_}});
    } else {
        log_.warn("a process can't be reached", {{"addr", address_}, {"err", breaker_.last()}});
    }
}

void RemotePeer::end(const CallPtr& call, const Result<void>& how, Reach reach) {
    std::vector<CallPtr> next;
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        active_.erase(call);
        --(call->is_stream() ? streams_ : calls_sent_);
        request_bytes_ -= call->body->size();
        if (!closed_) {
            const TimePoint now = environment_.clock.steady_now();
            last_used_ = now;
            note(reach, how ? nullptr : &how.error(), now);
            if (call->is_trial) breaker_.undecided();
            wake = suspect_ && !checking_;
        }
        while (!queue_.empty() && calls_sent_ < options_.connections_limit) {
            next.push_back(std::move(queue_.front()));
            queue_.pop_front();
            active_.insert(next.back());
            ++calls_sent_;
        }
        expose_state();
        if (wake) environment_.wake();
    }
    count(*call, how);
    for (const CallPtr& one : next) send(one);
}

void RemotePeer::told() {
    const std::lock_guard lock(mutex_);
    if (--untold_ == 0) quiet_.notify_all();
}

/// With the lock held.
CallMetrics& RemotePeer::metrics_of(const std::string& name) {
    const auto at = call_metrics_.find(name);
    if (at != call_metrics_.end()) return at->second;
    ClientMetrics& metrics = environment_.metrics;
    CallMetrics made;
    made.duration = metrics.durations.with({address_, name});
    made.outcomes[0] = metrics.requests.with({address_, name, "success"});
    for (std::size_t kind = 0; kind + 1 < CallMetrics::kOutcomes; ++kind) {
        const auto outcome = to_string(static_cast<ErrorKind>(kind));
        made.outcomes[kind + 1] = metrics.requests.with({address_, name, outcome});
    }
    return call_metrics_.emplace(name, std::move(made)).first->second;
}

void RemotePeer::count(const Call& call, const Result<void>& how) {
    if (call.metrics == nullptr) return;
    const std::size_t outcome = how ? 0 : 1 + static_cast<std::size_t>(how.error().kind);
    call.metrics->outcomes[outcome]->inc();
    call.metrics->duration->observe(std::chrono::steady_clock::now() - call.started);
}

/// With the lock held.
void RemotePeer::expose_state() {
    in_flight_->set(static_cast<double>(active_.size()));
    queued_->set(static_cast<double>(queue_.size()));
    circuit_open_->set(breaker_.is_open() ? 1 : 0);
}

Result<void> RemotePeer::state() const {
    const std::lock_guard lock(mutex_);
    if (!client_) return tl::unexpected(malformed_);
    if (mismatch_) return tl::unexpected(*mismatch_);
    if (breaker_.is_open()) {
        return fail(
            ErrorKind::unavailable, "{} can't be reached: {}", address_, breaker_.last().message
        );
    }
    return {};
}

void RemotePeer::tick() {
    std::vector<std::pair<CallPtr, Error>> overdue;
    bool check = false;
    {
        const std::lock_guard lock(mutex_);
        if (closed_ || !client_) return;
        std::erase_if(queue_, [&](const CallPtr& call) {
            auto still_wanted = call->token.check();
            if (still_wanted) return false;
            request_bytes_ -= call->body->size();
            if (call->is_trial) breaker_.undecided();
            overdue.emplace_back(call, std::move(still_wanted).error());
            return true;
        });
        const TimePoint now = environment_.clock.steady_now();
        const bool silent =
            !breaker_.is_open() && now - last_heard_ >= options_.health_check_interval;
        check = !checking_ && (suspect_ || silent || breaker_.is_due(now));
        if (check) {
            checking_ = true;
            ++untold_;
            static_cast<void>(breaker_.admit(now));  // an open circuit's trial is this one
            const auto deadline = std::chrono::steady_clock::now() + options_.health_check_timeout;
            health_check_ = CancellationToken::create(deadline);
        }
        expose_state();
    }
    for (auto& [call, why] : overdue) {
        count(*call, tl::unexpected(why));
        call->fail(std::move(why));
        told();
    }
    if (check) check_health();
}

bool RemotePeer::is_waiting() const {
    const std::lock_guard lock(mutex_);
    return !queue_.empty();
}

bool RemotePeer::is_unused_since(TimePoint time) const {
    const std::lock_guard lock(mutex_);
    return active_.empty() && queue_.empty() && untold_ == 0 && last_used_ <= time;
}

void RemotePeer::check_health() {
    http::ClientRequest request{.target = std::string(kHelloPath)};
    request.headers.add(header::kProtocol, to_string(options_.protocol));
    client_->send(std::move(request), health_check_, [self = shared_from_this()](auto response) {
        self->finish_health_check(std::move(response));
        self->told();
    });
}

void RemotePeer::finish_health_check(Result<http::ClientResponse> response) {
    Result<void> heard;
    if (response) {
        heard = read_hello(*response);
    } else {
        heard = tl::unexpected(std::move(response).error());
    }
    bool dead = false;
    {
        const std::lock_guard lock(mutex_);
        checking_ = false;
        suspect_ = false;
        if (closed_) return;
        const TimePoint now = environment_.clock.steady_now();
        dead = !heard && heard.error().kind == ErrorKind::timeout;
        if (dead) {
            heard.error() = {
                ErrorKind::unavailable,
                kPeerUnreachable,
                fmt::format(
                    "{} did not answer within {} ms whether it lives",
                    address_,
                    options_.health_check_timeout.count()
                )
            };
            breaker_.open(heard.error(), now, options_.health_check_timeout);
            expose_state();
            log_.warn("a process can't be reached", {{"addr", address_}, {"err", heard.error()}});
        } else {
            note(heard ? Reach::reached : Reach::failed, heard ? nullptr : &heard.error(), now);
        }
    }
    if (dead) give_up_all(heard.error());
}

Result<void> RemotePeer::read_hello(const http::ClientResponse& response) {
    if (response.status != 200) {
        return tl::unexpected(error_of_status(response.status, response.body).with_context(address_)
        );
    }
    MIMIR_TRY(const wire::Hello hello, wire::decode_hello(response.body));
    learn_protocol({.min = hello.protocol_min, .max = hello.protocol_max});
    if (hello.cluster == options_.cluster) return {};
    const std::lock_guard lock(mutex_);
    mismatch_ = Error{
        ErrorKind::unavailable,
        {},
        fmt::format(
            "{} is of the cluster \"{}\", this process of \"{}\"",
            address_,
            hello.cluster,
            options_.cluster
        )
    };
    return {};
}

/// Cancels what is under way; each tells its caller this reason.
void RemotePeer::give_up_all(const Error& why) {
    std::vector<CallPtr> waiting;
    {
        const std::lock_guard lock(mutex_);
        for (const CallPtr& call : active_) {
            call->given_up = why;
            call->token.cancel();
        }
        for (const CallPtr& call : queue_) request_bytes_ -= call->body->size();
        waiting.assign(queue_.begin(), queue_.end());
        queue_.clear();
        expose_state();
    }
    fail_all(waiting, why);
}

void RemotePeer::fail_all(const std::vector<CallPtr>& calls, const Error& why) {
    for (const CallPtr& call : calls) {
        count(*call, tl::unexpected(why));
        call->fail(why);
        told();
    }
}

void RemotePeer::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        health_check_.cancel();
    }
    give_up_all(
        {ErrorKind::unavailable, {}, fmt::format("{}: this process stops calling", address_)}
    );
}

void RemotePeer::wait_until_quiet() {
    std::unique_lock lock(mutex_);
    if (untold_ == 0) return;
    MIMIR_ASSERT(!runtime::on_io_thread(), "the calls that are waited for run on this loop");
    quiet_.wait(lock, [this] { return untold_ == 0; });
}

void RemotePeer::forget_metrics() {
    ClientMetrics& metrics = environment_.metrics;
    for (const auto& [name, call] : call_metrics_) {
        metrics.durations.remove({address_, name});
        metrics.requests.remove({address_, name, "success"});
        for (std::size_t kind = 0; kind + 1 < CallMetrics::kOutcomes; ++kind) {
            metrics.requests.remove({address_, name, to_string(static_cast<ErrorKind>(kind))});
        }
    }
    metrics.request_bytes.remove({address_});
    metrics.in_flight.remove({address_});
    metrics.queued.remove({address_});
    metrics.circuit_open.remove({address_});
}

}  // namespace mimir::rpc::detail
