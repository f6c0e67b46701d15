#include "components/gateway/gateway.hpp"

#include "components/gateway/forwarding.hpp"
#include "http/error_status.hpp"
#include "http/tenancy.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::gateway {

using http::BodyReader;
using http::BodyWriter;
using http::Request;
using http::Response;

namespace {

constexpr int kBadGateway = 502;
constexpr int kGatewayTimeout = 504;
constexpr int kClientGone = 499;

/// Between two looks for an instance.
constexpr auto kParkInterval = std::chrono::milliseconds(20);

http::ClientOptions client_options(const Gateway::Environment& environment) {
    const Options& options = environment.options;
    return {
        .idle_connections_limit = options.instance_idle_connections_limit,
        .connect_timeout = options.connect_timeout,
        .stall_timeout = options.stall_timeout,
        .tls = environment.tls,
    };
}

std::string_view tenant_of(const Request& request) {
    return request.headers.get(http::kTenantHeader).value_or("");
}

}  // namespace

/// A request on its way through, from its head to the end of its answer. Keeps what it counts alive.
class Gateway::Transit final : public Passage {
  public:
    using TimePoint = Target::TimePoint;
    Transit(
        std::shared_ptr<Metrics> metrics, const http::PathOwner& owner, std::optional<Lease> lease
    )
        : metrics_(std::move(metrics)),
          inflight_(metrics_->inflight_requests.with({owner.module})),
          owner_(owner),
          lease_(std::move(lease)) {
        inflight_->inc();
    }
    ~Transit() override { inflight_->dec(); }

    void finished(int status) override {
        metrics_->requests.with({owner_.label, owner_.module, std::to_string(status)})->inc();
    }
    void upstream_failed(const Error& error) {
        has_failed_ = true;
        if (has_parked_) return;  // each try would count
        metrics_->upstream_errors.with({owner_.module, to_string(error.kind)})->inc();
    }
    /// To the first instance, or to another.
    void go_to(Lease lease) {
        lease_ = std::move(lease);
        if (has_failed_) metrics_->retries.with({owner_.module})->inc();
    }
    /// The instance that it had is no good; there is no other yet.
    void wait() { lease_.reset(); }
    void parks() {
        if (!has_parked_) metrics_->parked.with({owner_.module})->inc();
        has_parked_ = true;
    }

    [[nodiscard]] const std::string& module() const { return owner_.module; }
    /// Null while it waits.
    [[nodiscard]] Target* target() const { return lease_ ? &lease_->target() : nullptr; }
    [[nodiscard]] bool has_failed() const { return has_failed_; }
    [[nodiscard]] TimePoint begun() const { return begun_; }

  private:
    const std::shared_ptr<Metrics> metrics_;
    const std::shared_ptr<Gauge> inflight_;
    const http::PathOwner owner_;
    const TimePoint begun_ = std::chrono::steady_clock::now();
    std::optional<Lease> lease_;
    bool has_failed_ = false;
    bool has_parked_ = false;
};

/// The request's body on its way to an instance.
class Gateway::SentBody final : public BodyReader {
  public:
    explicit SentBody(BodyReader& body) : body_(body) {}

    [[nodiscard]] std::optional<std::uint64_t> bytes() const override { return body_.bytes(); }
    asio::awaitable<Result<std::string_view>> read() override {
        begun_ = true;
        auto piece = co_await body_.read();
        if (!piece) failed_ = true;
        co_return piece;
    }
    [[nodiscard]] bool is_empty() const { return bytes() == 0; }
    [[nodiscard]] bool begun() const { return begun_; }
    /// The client did not send it as it should.
    [[nodiscard]] bool failed() const { return failed_; }

    /// True when an instance that failed has done nothing: see Gateway.
    [[nodiscard]] bool may_go_elsewhere(http::Method method, bool sent) const {
        if (begun_) return false;
        const bool is_idempotent = method == http::Method::get || method == http::Method::head;
        return !sent || is_idempotent || !is_empty();
    }

  private:
    BodyReader& body_;
    bool begun_ = false;
    bool failed_ = false;
};

Gateway::Gateway(Environment environment)
    : environment_(std::move(environment)),
      modules_(environment_.modules.begin(), environment_.modules.end()),
      clients_(environment_.io, client_options(environment_)) {}

void Gateway::refresh() {
    for (const std::string& module : modules_) {
        environment_.routes.update(module, environment_.discover(module));
    }
    std::set<std::string> addresses;
    for (const auto& target : environment_.routes.targets()) addresses.insert(target->address);
    clients_.keep_only(addresses);
    const auto revision = environment_.routes.load()->revision;
    environment_.metrics->route_table_revision.set(static_cast<double>(revision));
}

http::Front::Verdict Gateway::examine(Request& request, const http::PathOwner& owner) {
    if (!modules_.contains(owner.module)) return {};
    if (environment_.authenticator != nullptr) {
        if (const auto refusal = environment_.authenticator->admit(request.headers)) {
            return {.answer = refuse(request, *refusal)};
        }
    }
    auto lease = environment_.routes.acquire({
        .module = owner.module,
        .tenant = tenant_of(request),
        .served_here = owner.served,
        .now = std::chrono::steady_clock::now(),
        .in_flight_limit = environment_.options.instance_requests_limit,
    });
    const bool may_wait = environment_.options.parking_timeout.count() > 0;
    if (!lease && !may_wait) return {.answer = not_running(request, owner.module)};
    const bool stays = lease && lease->target().reach == Target::Reach::in_process;
    auto transit = std::make_shared<Transit>(environment_.metrics, owner, std::move(lease));
    if (stays) return {.passage = std::move(transit)};

    Verdict verdict{.passage = transit};
    if (request.method == http::Method::other || wants_upgrade(request)) {
        const bool upgrade = request.method != http::Method::other;
        verdict.answer = refuse(
            request,
            501,
            owner.module,
            upgrade ? "the gateway passes on HTTP only: no upgrade to another protocol"
                    : "the gateway does not know the request's method"
        );
    } else if (is_internal(request.path)) {
        verdict.answer = refuse(request, 404, "", "404 page not found");
    } else {
        verdict.handler = [this, transit](Request& received) { return forward(received, transit); };
    }
    return verdict;
}

asio::awaitable<Response> Gateway::forward(Request& request, std::shared_ptr<Transit> transit) {
    SentBody body(*request.body_reader);
    std::vector<const Target*> tried;
    for (;;) {
        if (transit->target() == nullptr) {
            auto lease = co_await park(request, *transit);
            if (!lease) co_return not_running(request, transit->module());
            transit->go_to(*std::move(lease));
            tried.clear();
        }
        Target& target = *transit->target();
        tried.push_back(&target);
        bool sent = false;
        Opened opened = co_await send(request, body, target, sent);
        if (opened) {
            target.succeeded();
            co_return answer(*std::move(opened), std::move(transit));
        }
        const Error& error = opened.error();
        if (body.failed() || error.kind == ErrorKind::canceled) {
            co_return Response{.status = kClientGone};
        }
        transit->upstream_failed(error);
        const auto now = std::chrono::steady_clock::now();
        target.failed(now + environment_.options.failure_backoff);
        if (error.kind == ErrorKind::timeout) {
            std::string message = fmt::format("module {}: {}", transit->module(), error.message);
            co_return refuse(request, kGatewayTimeout, transit->module(), std::move(message));
        }
        const bool may_go_elsewhere = body.may_go_elsewhere(request.method, sent);
        std::optional<Lease> next;
        if (may_go_elsewhere && tried.size() <= environment_.options.retries_max) {
            next = environment_.routes.acquire({
                .module = transit->module(),
                .tenant = tenant_of(request),
                .now = now,
                .in_flight_limit = environment_.options.instance_requests_limit,
                .tried = tried,
            });
        }
        const bool is_over = now - transit->begun() >= environment_.options.parking_timeout;
        if (!next && may_go_elsewhere && !is_over) {
            transit->wait();
            continue;
        }
        if (!next || next->target().reach == Target::Reach::in_process) {
            if (!sent) co_return not_running(request, transit->module());
            std::string message = fmt::format("module {}: {}", transit->module(), error.message);
            co_return refuse(request, kBadGateway, transit->module(), std::move(message));
        }
        transit->go_to(*std::move(next));
    }
}

/// Until an instance of the module may answer. Nothing when none does in time, or too many wait already.
asio::awaitable<std::optional<Lease>> Gateway::park(const Request& request, Transit& transit) {
    struct Place {
        Place(std::atomic<std::size_t>& all, Metrics& metrics)
            : count(++all), all_(all), metrics_(metrics) {
            metrics_.parked_requests.inc();
        }
        ~Place() {
            --all_;
            metrics_.parked_requests.dec();
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        const std::size_t count;

      private:
        std::atomic<std::size_t>& all_;
        Metrics& metrics_;
    };
    const Place place(parked_, *environment_.metrics);
    if (place.count > environment_.options.parked_requests_limit) co_return std::nullopt;
    transit.parks();
    const auto end = transit.begun() + environment_.options.parking_timeout;
    if (transit.has_failed()) co_await runtime::sleep_for(kParkInterval);
    for (;;) {
        environment_.routes.update(transit.module(), environment_.discover(transit.module()));
        const auto now = std::chrono::steady_clock::now();
        auto lease = environment_.routes.acquire({
            .module = transit.module(),
            .tenant = tenant_of(request),
            .now = now,
            .in_flight_limit = environment_.options.instance_requests_limit,
        });
        if (lease && lease->target().reach != Target::Reach::in_process) co_return lease;
        const bool is_over = now >= end || ends_ || request.context.cancellation.canceled();
        if (is_over) co_return std::nullopt;
        co_await runtime::sleep_for(kParkInterval);
    }
}

/// `begun`: becomes true when the instance may have got something.
asio::awaitable<Gateway::Opened> Gateway::send(
    const Request& request, SentBody& body, const Target& target, bool& begun
) {
    MIMIR_CO_TRY(const auto client, clients_.at(target.address));
    http::ClientRequest forwarded{
        .method = request.method,
        .target = forwarded_target(request),
        .headers = forwarded_headers(request),
        .body = {},
        .body_reader = body.is_empty() ? nullptr : &body,
        .begun = &begun,
    };
    co_return co_await client->open(std::move(forwarded), request.context.cancellation);
}

Response Gateway::answer(
    std::unique_ptr<http::ClientStream> stream, std::shared_ptr<Transit> transit
) {
    Response response{
        .status = stream->status(),
        .headers = answered_headers(stream->headers()),
        .stream_bytes = content_length(stream->headers())
    };
    struct Pump {
        static asio::awaitable<Result<void>> run(
            std::shared_ptr<http::ClientStream> from,
            BodyWriter& to,
            std::shared_ptr<Transit> transit
        ) {
            for (;;) {
                const auto piece = co_await from->read();
                if (!piece) {
                    if (piece.error().kind != ErrorKind::canceled) {
                        transit->upstream_failed(piece.error());
                    }
                    co_return tl::unexpected(piece.error());
                }
                if (piece->empty()) co_return Result<void>();
                MIMIR_CO_TRY(co_await to.write(*piece));
            }
        }
    };
    std::shared_ptr<http::ClientStream> from = std::move(stream);
    response.stream = [from = std::move(from), transit = std::move(transit)](BodyWriter& to) {
        return Pump::run(from, to, transit);
    };
    return response;
}

Response Gateway::refuse(
    const Request& request, int status, std::string_view module, std::string message
) const {
    return environment_.router.refuse(
        {.status = status, .module = std::string(module), .message = std::move(message)}, request
    );
}

Response Gateway::refuse(const Request& request, const Authenticator::Refusal& refusal) const {
    environment_.metrics->auth_refusals.with({std::to_string(refusal.status)})->inc();
    Response response = refuse(request, refusal.status, "gateway", refusal.message);
    if (refusal.status == 401) {
        response.headers.add("WWW-Authenticate", "Bearer realm=\"mimird\"");
        response.headers.add("WWW-Authenticate", "Basic realm=\"mimird\", charset=\"UTF-8\"");
    }
    return response;
}

Response Gateway::not_running(const Request& request, std::string_view module) const {
    return environment_.router.refuse(
        {.status = 503,
         .module = std::string(module),
         .message = fmt::format("module {} has no instance that answers", module),
         .retry_after = http::kRetryAfter},
        request
    );
}

}  // namespace mimir::gateway
