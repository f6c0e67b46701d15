#include "components/distributor/distributor.hpp"

#include <algorithm>

#include "components/distributor/known_series.hpp"
#include "components/distributor/rate_limiter.hpp"
#include "components/distributor/request_validation.hpp"
#include "components/distributor/validation.hpp"
#include "encoding/compression.hpp"
#include "wire/remote_write.hpp"

namespace mimir::distributor {

/// The series that were found valid under one state of the limits. When the limits change, a new one takes its place,
/// and requests under way go on with the one that they have.
struct ValidSeries {
    ValidSeries(std::shared_ptr<const config::Limits> under_limits, std::size_t series_max)
        : limits(std::move(under_limits)), known(series_max) {}

    const std::shared_ptr<const config::Limits> limits;
    KnownSeries known;
};

struct Distributor::Tenant {
    Tenant(Metrics& all_metrics, const std::string& name) : metrics(all_metrics, name) {}

    std::shared_ptr<ValidSeries> valid_under(
        const std::shared_ptr<const config::Limits>& limits, std::size_t series_max
    ) {
        return valid.with([&](std::shared_ptr<ValidSeries>& current) {
            if (!current || (current->limits != limits && *current->limits != *limits)) {
                current = std::make_shared<ValidSeries>(limits, series_max);
            }
            return current;
        });
    }

    TenantMetrics metrics;
    RateLimiter rate;
    Guarded<std::shared_ptr<ValidSeries>> valid{nullptr};
};

/// Requests that are done lend their memory to the next ones.
class Distributor::RequestPool {
  public:
    std::unique_ptr<model::WriteRequest> take() {
        return idle_.with([](auto& idle) {
            if (idle.empty()) return std::make_unique<model::WriteRequest>();
            auto request = std::move(idle.back());
            idle.pop_back();
            return request;
        });
    }
    void give_back(std::unique_ptr<model::WriteRequest> request) {
        if (request->body.capacity() > kBodyBytesKept) return;
        request->clear();
        idle_.with([&](auto& idle) {
            if (idle.size() < kRequestsKept) idle.push_back(std::move(request));
        });
    }

  private:
    static constexpr std::size_t kRequestsKept = 16;
    static constexpr std::size_t kBodyBytesKept = 4 << 20;
    Guarded<std::vector<std::unique_ptr<model::WriteRequest>>> idle_;
};

namespace {

/// Counts requests under way, for as long as it lives.
class Inflight {
  public:
    Inflight(std::atomic<std::size_t>& count, telemetry::Gauge& gauge)
        : count_(count), gauge_(gauge), before_(count.fetch_add(1, std::memory_order_relaxed)) {
        gauge_.inc();
    }
    ~Inflight() {
        count_.fetch_sub(1, std::memory_order_relaxed);
        gauge_.dec();
    }
    Inflight(const Inflight&) = delete;
    Inflight& operator=(const Inflight&) = delete;
    [[nodiscard]] std::size_t before() const { return before_; }

  private:
    std::atomic<std::size_t>& count_;
    telemetry::Gauge& gauge_;
    const std::size_t before_;
};

void count_incoming(const model::WriteRequest& request, TenantMetrics& metrics) {
    metrics.requests_in->inc();
    metrics.samples_in->add(request.samples.size() + request.histograms.size());
    metrics.exemplars_in->add(request.exemplars.size());
    metrics.metadata_in->add(request.metadata.size());
}

void count_accepted(const ValidationOutcome& outcome, TenantMetrics& metrics) {
    metrics.received_requests->inc();
    metrics.received_samples->add(outcome.samples + outcome.histograms);
    metrics.received_exemplars->add(outcome.exemplars);
    metrics.received_metadata->add(outcome.metadata);
    if (outcome.newest_sample != TimestampMs::min()) {
        const double seconds = static_cast<double>(outcome.newest_sample.ms) / 1000;
        if (metrics.latest_seen_sample->value() < seconds) metrics.latest_seen_sample->set(seconds);
    }
}

void count_discarded(
    std::string_view reason, const Discarded& discarded, const std::string& tenant, Metrics& metrics
) {
    if (discarded.samples > 0) {
        metrics.discarded_samples.with({reason, tenant, ""})->add(discarded.samples);
    }
    if (discarded.exemplars > 0) {
        metrics.discarded_exemplars.with({reason, tenant})->add(discarded.exemplars);
    }
    if (discarded.metadata > 0) {
        metrics.discarded_metadata.with({reason, tenant})->add(discarded.metadata);
    }
}

}  // namespace

Distributor::Distributor(Options options, Environment environment)
    : options_(options), environment_(environment), requests_(std::make_unique<RequestPool>()) {}

Distributor::~Distributor() = default;

Result<void> Distributor::push_remote_write(
    const rpc::RequestContext& context, std::string_view body
) {
    const Inflight inflight(inflight_, environment_.metrics.inflight_requests);
    const std::size_t limit = options_.max_inflight_push_requests;
    if (limit != 0 && inflight.before() >= limit) {
        environment_.metrics.rejected_requests.with({"distributor_max_inflight_push_requests"})
            ->inc();
        return fail_with_id(
            ErrorKind::limit,
            kTooManyInflight,
            "the write request has been rejected because the distributor exceeded the allowed "
            "number of "
            "inflight push requests (err-mimir-{}). To adjust the related limit, configure "
            "-distributor.instance-limits.max-inflight-push-requests, or contact your service "
            "administrator.",
            kTooManyInflight
        );
    }
    auto request = requests_->take();
    request->clear();
    auto decompressed =
        encoding::snappy_decompress(body, options_.max_recv_msg_size, request->body);
    auto pushed = decompressed
                      .map_error([&](const Error& error) {
                          if (error.kind == ErrorKind::limit) return message_too_large();
                          return Error{ErrorKind::invalid, {}, error.message};
                      })
                      .and_then([&] { return wire::decode_write_request(*request); })
                      .and_then([&] { return push(context, *request); });
    requests_->give_back(std::move(request));
    return pushed;
}

Error Distributor::message_too_large() const {
    return {
        ErrorKind::limit,
        kMessageTooLarge,
        fmt::format(
            "the incoming push request has been rejected because its message size is larger than "
            "the "
            "allowed limit of {} bytes (err-mimir-{}). To adjust the related limit, configure "
            "-distributor.max-recv-msg-size, or contact your service administrator.",
            options_.max_recv_msg_size,
            kMessageTooLarge
        )
    };
}

Result<void> Distributor::push(const rpc::RequestContext& context, model::WriteRequest& request) {
    const model::TenantId& id = *context.tenant;
    const auto limits = environment_.limits.of(id.str());
    const std::shared_ptr<Tenant> tenant = this->tenant(id);
    count_incoming(request, tenant->metrics);

    const auto valid = tenant->valid_under(limits, options_.validated_series_max);
    MIMIR_TRY(
        const ValidationOutcome outcome,
        validate_request(request, *limits, environment_.clock.now(), valid->known)
    );
    for (const Discarded& one : outcome.discarded) {
        count_discarded(discard_reason(one.id), one, id.str(), environment_.metrics);
    }
    if (outcome.items() > 0) {
        MIMIR_TRY(check_rate(*tenant, id, *limits, outcome));
        count_accepted(outcome, tenant->metrics);
        const auto ingester = environment_.ingester.get();
        if (!ingester) return fail(ErrorKind::unavailable, "no ingester is running");
        const auto batch = std::make_shared<rpc::PushBatch>(
            std::shared_ptr<const model::WriteRequest>(std::shared_ptr<void>(), &request)
        );
        auto pushed = rpc::wait_for<void>([&](rpc::Done<void> done) {
            ingester->push(context, batch, std::move(done));
        });
        if (!pushed) return tl::unexpected(finish(pushed.error()));
    }
    if (outcome.error) return tl::unexpected(*outcome.error);
    return {};
}

void Distributor::push(
    const rpc::RequestContext& context,
    std::shared_ptr<model::WriteRequest> request,
    rpc::Done<void> done
) {
    done(push(context, *request));
}

Result<void> Distributor::check_rate(
    Tenant& tenant,
    const model::TenantId& id,
    const config::Limits& limits,
    const ValidationOutcome& outcome
) {
    const RateLimiter::Limit limit{
        limits.ingestion_rate, static_cast<double>(limits.ingestion_burst_size)
    };
    const auto items = static_cast<double>(outcome.items());
    if (tenant.rate.take(items, limit, environment_.clock.steady_now())) return {};
    const Discarded all{
        kRateLimited, outcome.samples + outcome.histograms, outcome.exemplars, outcome.metadata
    };
    count_discarded("rate_limited", all, id.str(), environment_.metrics);
    environment_.metrics.discarded_requests.with({"rate_limited", id.str()})->inc();
    return tl::unexpected(finish(
        {ErrorKind::limit,
         kRateLimited,
         fmt::format(
             "the request has been rejected because the tenant exceeded the ingestion rate limit, "
             "set to {} "
             "items/s with a maximum allowed burst of {}. This limit is applied on the total "
             "number of "
             "samples, exemplars and metadata received across all distributors",
             limits.ingestion_rate,
             limits.ingestion_burst_size
         )}
    ));
}

std::shared_ptr<Distributor::Tenant> Distributor::tenant(const model::TenantId& id) {
    return tenants_.with([&](auto& tenants) {
        auto& tenant = tenants[id];
        if (!tenant) tenant = std::make_shared<Tenant>(environment_.metrics, id.str());
        return tenant;
    });
}

}  // namespace mimir::distributor
