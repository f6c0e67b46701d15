#include "components/distributor/distributor.hpp"

#include <algorithm>

#include "components/distributor/ha_labels.hpp"
#include "components/distributor/ha_tracker.hpp"
#include "components/distributor/known_series.hpp"
#include "components/distributor/rate_limiter.hpp"
#include "components/distributor/replication.hpp"
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
class Distributor::RequestPool : public std::enable_shared_from_this<RequestPool> {
  public:
    /// Comes back when the last owner lets go of it.
    std::shared_ptr<model::WriteRequest> take() {
        auto request = idle_.with([](auto& idle) {
            if (idle.empty()) return std::make_unique<model::WriteRequest>();
            auto taken = std::move(idle.back());
            idle.pop_back();
            return taken;
        });
        auto give_back = [pool = shared_from_this()](model::WriteRequest* done) {
            pool->give_back(std::unique_ptr<model::WriteRequest>(done));
        };
        return {request.release(), std::move(give_back)};
    }

  private:
    static constexpr std::size_t kRequestsKept = 16;
    static constexpr std::size_t kBodyBytesKept = 4 << 20;

    void give_back(std::unique_ptr<model::WriteRequest> request) {
        if (request->body.capacity() > kBodyBytesKept) return;
        request->clear();
        idle_.with([&](auto& idle) {
            if (idle.size() < kRequestsKept) idle.push_back(std::move(request));
        });
    }

    Guarded<std::vector<std::unique_ptr<model::WriteRequest>>> idle_;
};

/// Counts a request as under way for as long as it lives: until its last ingester has answered.
class Distributor::Admission {
  public:
    Admission(Distributor& distributor, std::shared_ptr<const void> open)
        : distributor_(distributor),
          open_(std::move(open)),
          before_(distributor.inflight_.fetch_add(1, std::memory_order_relaxed)) {
        distributor_.environment_.metrics.inflight_requests.inc();
    }
    ~Admission() {
        distributor_.inflight_.fetch_sub(1, std::memory_order_relaxed);
        distributor_.inflight_bytes_.fetch_sub(bytes_, std::memory_order_relaxed);
        distributor_.environment_.metrics.inflight_requests.dec();
        distributor_.environment_.metrics.inflight_bytes.add(-static_cast<double>(bytes_));
    }
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    void add_bytes(std::size_t bytes) {
        bytes_ += bytes;
        distributor_.inflight_bytes_.fetch_add(bytes, std::memory_order_relaxed);
        distributor_.environment_.metrics.inflight_bytes.add(static_cast<double>(bytes));
    }
    /// How many others there were when this one came.
    [[nodiscard]] std::size_t before() const { return before_; }

  private:
    Distributor& distributor_;
    const std::shared_ptr<const void> open_;  // the distributor waits for it: released last
    const std::size_t before_;
    std::size_t bytes_ = 0;
};

namespace {

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

/// The ingester that gets everything, when there is but one and it needs no other.
const ring::Instance* only_ingester(const ring::RingView& view) {
    if (view.members().size() != 1 || view.options().replication_factor != 1) return nullptr;
    const ring::Instance& only = *view.members().front().instance;
    const bool writable = only.state == ring::InstanceState::active && !only.read_only;
    return writable ? &only : nullptr;
}

}  // namespace

Distributor::Distributor(Options options, Environment environment)
    : options_(std::move(options)),
      environment_(std::move(environment)),
      requests_(std::make_shared<RequestPool>()) {
    std::promise<void> drained;
    drained_ = drained.get_future().share();
    auto tell = [drained = std::make_shared<std::promise<void>>(std::move(drained))](const void*) {
        drained->set_value();
    };
    open_.with([&](auto& open) { open = std::shared_ptr<const void>(this, std::move(tell)); });
    auto& limits = environment_.metrics.instance_limits;
    const auto expose = [&](std::string_view name, double limit) {
        limits.with({name})->set(limit);
    };
    expose("max_inflight_push_requests", static_cast<double>(options_.max_inflight_push_requests));
    expose(
        "max_inflight_push_requests_bytes",
        static_cast<double>(options_.max_inflight_push_requests_bytes)
    );
    expose("max_ingestion_rate", options_.max_ingestion_rate);
}

Distributor::~Distributor() { drain(); }

void Distributor::drain() {
    // Released outside the lock: it may be the last.
    auto own = open_.with([](auto& open) { return std::exchange(open, nullptr); });
    own.reset();
    drained_.wait();
}

Result<std::shared_ptr<Distributor::Admission>> Distributor::admit() {
    auto open = open_.with([](const auto& current) { return current; });
    if (!open) return fail(ErrorKind::unavailable, "the distributor stops");
    return std::make_shared<Admission>(*this, std::move(open));
}

Result<void> Distributor::check_instance_limits(const Admission& admission) const {
    const auto refuse = [&](std::string_view id, std::string_view what, std::string_view reason) {
        environment_.metrics.rejected_requests.with({reason})->inc();
        return fail_with_id(
            ErrorKind::limit,
            id,
            "the write request has been rejected because the distributor exceeded the {} "
            "(err-mimir-{}). To adjust the related limit, configure "
            "-distributor.instance-limits.{}, or contact your service administrator.",
            what,
            id,
            id.substr(std::string_view("distributor-").size())
        );
    };
    if (const std::size_t limit = options_.max_inflight_push_requests;
        limit != 0 && admission.before() >= limit) {
        return refuse(
            kTooManyInflight,
            "allowed number of inflight push requests",
            "distributor_max_inflight_push_requests"
        );
    }
    if (const std::size_t limit = options_.max_inflight_push_requests_bytes;
        limit != 0 && inflight_bytes_.load(std::memory_order_relaxed) > limit) {
        return refuse(
            kTooManyInflightBytes,
            "allowed total size in bytes of inflight push requests",
            "distributor_max_inflight_push_requests_bytes"
        );
    }
    if (const double limit = options_.max_ingestion_rate;
        limit != 0 && ingestion_rate_.per_second(environment_.clock.steady_now()) >= limit) {
        return refuse(
            kMaxIngestionRate, "allowed ingestion rate", "distributor_max_ingestion_rate"
        );
    }
    return {};
}

void Distributor::push_remote_write(
    const rpc::RequestContext& context, std::string_view body, rpc::Done<void> done
) {
    auto admitted = admit();
    if (!admitted) return done(tl::unexpected(admitted.error()));
    const std::shared_ptr<Admission>& admission = *admitted;
    admission->add_bytes(body.size());
    const auto request = requests_->take();
    const auto checked =
        check_instance_limits(*admission)
            .and_then([&]() -> Result<void> {
                return encoding::snappy_decompress(body, options_.max_recv_msg_size, request->body)
                    .map_error([&](const Error& error) {
                        if (error.kind == ErrorKind::limit) return message_too_large();
                        return Error{ErrorKind::invalid, {}, error.message};
                    });
            })
            .and_then([&] { return wire::decode_write_request(*request); });
    if (!checked) return done(tl::unexpected(checked.error()));
    admission->add_bytes(request->body.size());
    push_admitted(context, request, admission, std::move(done));
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

void Distributor::push(
    const rpc::RequestContext& context,
    std::shared_ptr<model::WriteRequest> request,
    rpc::Done<void> done
) {
    auto admitted = admit();
    if (!admitted) return done(tl::unexpected(admitted.error()));
    push_admitted(context, std::move(request), *std::move(admitted), std::move(done));
}

void Distributor::push_admitted(
    const rpc::RequestContext& context,
    std::shared_ptr<model::WriteRequest> request,
    std::shared_ptr<Admission> admission,
    rpc::Done<void> done
) {
    const model::TenantId& id = *context.tenant;
    const auto limits = environment_.limits.of(id.str());
    const std::shared_ptr<Tenant> tenant = this->tenant(id);
    count_incoming(*request, tenant->metrics);

    if (environment_.ha_tracker && limits->accept_ha_samples) {
        if (auto taken = deduplicate(id, *limits, *request); !taken) return done(std::move(taken));
    }
    const auto valid = tenant->valid_under(limits, options_.validated_series_max);
    auto validated = validate_request(*request, *limits, environment_.clock.now(), valid->known);
    if (!validated) return done(tl::unexpected(std::move(validated).error()));
    ValidationOutcome& outcome = *validated;
    for (const Discarded& one : outcome.discarded) {
        count_discarded(discard_reason(one.id), one, id.str(), environment_.metrics);
    }
    const Result<void> otherwise =
        outcome.error ? Result<void>(tl::unexpected(*std::move(outcome.error))) : Result<void>();
    if (outcome.items() == 0) return done(otherwise);
    if (auto checked = check_rate(*tenant, id, *limits, outcome); !checked) {
        return done(std::move(checked));
    }
    count_accepted(outcome, tenant->metrics);
    if (options_.max_ingestion_rate != 0) {
        ingestion_rate_.add(outcome.items(), environment_.clock.steady_now());
    }
    auto told = [otherwise, done = std::move(done)](const Result<void>& pushed) {
        if (!pushed) return done(tl::unexpected(finish(pushed.error())));
        done(otherwise);
    };
    pass_on(context, *limits, std::move(request), std::move(admission), std::move(told));
}

/// Whether the request's replica is the one whose samples are taken; then it loses the label.
Result<void> Distributor::deduplicate(
    const model::TenantId& id, const config::Limits& limits, model::WriteRequest& request
) {
    MIMIR_TRY(const HaLabels said, find_ha_labels(request, limits));
    const std::size_t samples = request.samples.size() + request.histograms.size();
    if (!said.present()) {
        if (samples > 0) environment_.metrics.non_ha_samples.with({id.str()})->add(samples);
        return {};
    }
    if (auto taken = environment_.ha_tracker->check(id, said.cluster, said.replica); !taken) {
        if (taken.error().id != HaTracker::kNotElected) {
            return tl::unexpected(finish(taken.error()));
        }
        environment_.metrics.deduped_samples.with({id.str(), said.cluster})->add(samples);
        return taken;
    }
    return remove_label(request, limits.ha_replica_label);
}

void Distributor::pass_on(
    const rpc::RequestContext& context,
    const config::Limits& limits,
    std::shared_ptr<const model::WriteRequest> request,
    std::shared_ptr<const void> held,
    rpc::Done<void> done
) {
    const auto view =
        environment_.write_shard(context.tenant->str(), limits.ingestion_tenant_shard_size);
    rpc::IngesterDirectory& ingesters = environment_.ingesters;
    if (const ring::Instance* only = only_ingester(*view); only && ingesters.is_local(*only)) {
        const auto ingester = ingesters.local();
        if (!ingester) return done(fail(ErrorKind::unavailable, "no ingester is running"));
        auto told = [held = std::move(held), done = std::move(done)](Result<void> pushed) {
            done(std::move(pushed));
        };
        return ingester->push(
            context, std::make_shared<rpc::PushBatch>(std::move(request)), std::move(told)
        );
    }
    if (view->members().empty()) {
        return done(fail(ErrorKind::unavailable, "no ingester is running"));
    }
    const ring::SteadyTime now = environment_.clock.steady_now();
    // Whether the sender is still there does not matter any more: what was begun is finished.
    const rpc::RequestContext pushing{
        .tenant = context.tenant,
        .cancellation = CancellationToken::create(now + options_.remote_timeout),
        .trace_id = context.trace_id,
    };
    replicate(
        {*view, ingesters, environment_.metrics, now},
        pushing,
        request,
        std::move(held),
        std::move(done)
    );
}

Result<void> Distributor::check_rate(
    Tenant& tenant,
    const model::TenantId& id,
    const config::Limits& limits,
    const ValidationOutcome& outcome
) {
    const std::size_t sharing =
        environment_.healthy_distributors ? environment_.healthy_distributors() : 1;
    const RateLimiter::Limit limit{
        limits.ingestion_rate / static_cast<double>(std::max<std::size_t>(1, sharing)),
        static_cast<double>(limits.ingestion_burst_size)
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
