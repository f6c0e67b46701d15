#include "components/ingester/ingester.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "chunkenc/series_set_adapters.hpp"
#include "components/ingester/metadata_store.hpp"

namespace mimir::ingester {

struct Ingester::Tenant {
    Tenant(model::TenantId tenant_id, Metrics& all_metrics)
        : id(std::move(tenant_id)), metrics(all_metrics, id.str()) {}

    const model::TenantId id;
    TenantMetrics metrics;
    MetadataStore metadata;
    std::unique_ptr<tsdb::Tsdb> db;
};

namespace {

/// The label value under which refused samples are counted.
constexpr std::array<std::pair<tsdb::Refusal, std::string_view>, 4> kSampleRefusals{{
    {tsdb::Refusal::out_of_order, "sample_out_of_order"},
    {tsdb::Refusal::duplicate_timestamp, "sample_duplicate_timestamp"},
    {tsdb::Refusal::too_old, "sample_timestamp_too_old"},
    {tsdb::Refusal::series_limit, "per_user_series_limit"},
}};

unsigned threads_for_replay(const Options& options) {
    if (options.wal_replay_concurrency != 0) return options.wal_replay_concurrency;
    return std::max(1U, std::thread::hardware_concurrency());
}

/// Counts a push as under way for as long as it lives.
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

Error unavailable(const model::TenantId& tenant, const Error& reason) {
    return {
        ErrorKind::unavailable,
        {},
        fmt::format("the storage of tenant {} can't be opened: {}", tenant.str(), reason.message)
    };
}

}  // namespace

Result<std::unique_ptr<Ingester>> Ingester::open(
    Options options, Environment environment, const CancellationToken& cancel
) {
    MIMIR_TRY(auto storage, storage_options(options));
    std::unique_ptr<Ingester> ingester(
        new Ingester(std::move(options), std::move(storage), std::move(environment))
    );
    MIMIR_TRY(ingester->open_existing(cancel));
    return ingester;
}

Ingester::Ingester(Options options, tsdb::TsdbOptions storage, Environment environment)
    : options_(std::move(options)),
      storage_(std::move(storage)),
      environment_(std::move(environment)),
      observed_(environment_.registry) {
    expose(observed_);
    const InstanceLimits& limits = options_.instance_limits;
    const auto set = [&](std::string_view name, double limit) {
        environment_.metrics.instance_limits.with({name})->set(limit);
    };
    set("max_ingestion_rate", limits.max_ingestion_rate);
    set("max_tenants", static_cast<double>(limits.max_tenants));
    set("max_series", static_cast<double>(limits.max_series));
    set("max_inflight_push_requests", static_cast<double>(limits.max_inflight_push_requests));
}

Ingester::~Ingester() = default;

Result<void> Ingester::open_existing(const CancellationToken& cancel) {
    MIMIR_TRY(environment_.files.create_directories(options_.dir));
    MIMIR_TRY(const auto entries, environment_.files.list(options_.dir));
    std::vector<model::TenantId> ids;
    for (const fs::DirectoryEntry& entry : entries) {
        if (!entry.is_directory) continue;
        if (auto id = model::TenantId::parse(entry.name)) ids.push_back(*std::move(id));
    }
    if (ids.empty()) return {};

    const unsigned threads = threads_for_replay(options_);
    const auto openers = static_cast<unsigned>(std::min<std::size_t>(threads, ids.size()));
    std::atomic<std::size_t> next = 0;
    const auto open_some = [&] {
        for (std::size_t i = next++; i < ids.size() && cancel.check(); i = next++) {
            static_cast<void>(open_tenant(ids[i], std::max(1U, threads / openers)));
        }
    };
    {
        std::vector<std::jthread> running;
        for (unsigned i = 0; i < openers; ++i) running.emplace_back(open_some);
    }
    return cancel.check();
}

/// Opens the tenant and remembers how that went.
Result<Ingester::TenantPtr> Ingester::open_tenant(
    const model::TenantId& id, unsigned replay_threads
) {
    auto opened = open_storage(id, replay_threads);
    if (!opened) {
        environment_.log.error(
            "a tenant's storage can't be opened", {{"user", id}, {"err", opened.error()}}
        );
        opened = tl::unexpected(unavailable(id, opened.error()));
    }
    const std::size_t failed = tenants_.with([&](Tenants& tenants) {
        if (opened) {
            tenants.failed.erase(id);
            tenants.open.insert_or_assign(id, *opened);
        } else {
            tenants.failed.insert_or_assign(id, opened.error());
        }
        return tenants.failed.size();
    });
    environment_.metrics.tenants_failed.set(static_cast<double>(failed));
    return opened;
}

Result<Ingester::TenantPtr> Ingester::open_storage(
    const model::TenantId& id, unsigned replay_threads
) {
    tsdb::TsdbOptions storage = storage_;
    storage.head.replay_threads = replay_threads;
    const auto limits = environment_.limits.of(id.str());
    storage.head.max_exemplars = share_of(limits->max_global_exemplars_per_user, *limits);
    const telemetry::Logger log = environment_.log;
    storage.head.on_replay_progress = [log, id, this](const tsdb::ReplayProgress& progress) {
        if (environment_.progress) {
            environment_.progress(fmt::format(
                "replaying the write-ahead log of {}, {} of {} segments done",
                id.str(),
                progress.segments_done,
                progress.segments_total
            ));
        }
        log.info(
            "replaying the write-ahead log",
            {{"user", id}, {"segments", progress.segments_done}, {"of", progress.segments_total}}
        );
    };
    auto tenant = std::make_shared<Tenant>(id, environment_.metrics);
    MIMIR_TRY(
        tenant->db,
        tsdb::Tsdb::open(
            {environment_.files, environment_.clock, environment_.metrics.storage, log},
            fs::Path(options_.dir) / id.str(),
            std::move(storage)
        )
    );
    const tsdb::Head& head = tenant->db->head();
    const tsdb::ReplayReport& report = head.replay_report();
    log.info(
        "tenant opened",
        {{"user", id},
         {"series", head.series_count()},
         {"samples_replayed", report.samples},
         {"took", report.took}}
    );
    tenant->metrics.series_created->add(head.series_count());
    return tenant;
}

Result<Ingester::TenantPtr> Ingester::tenant_for_push(const model::TenantId& id) {
    const auto find = [&] {
        return tenants_.with([&](const Tenants& tenants) {
            const auto at = tenants.open.find(id);
            return at == tenants.open.end() ? nullptr : at->second;
        });
    };
    if (TenantPtr tenant = find()) return tenant;
    const std::lock_guard opening(opening_);
    if (TenantPtr tenant = find()) return tenant;
    const std::uint64_t limit = options_.instance_limits.max_tenants;
    if (limit != 0 && open_tenants().size() >= limit) {
        return refuse_for("ingester-max-tenants", "the allowed number of tenants");
    }
    return open_tenant(id, 1);
}

Result<Ingester::TenantPtr> Ingester::tenant_for_read(const rpc::RequestContext& context) const {
    return tenants_.with([&](const Tenants& tenants) -> Result<TenantPtr> {
        if (const auto at = tenants.open.find(*context.tenant); at != tenants.open.end()) {
            return at->second;
        }
        if (const auto at = tenants.failed.find(*context.tenant); at != tenants.failed.end()) {
            return tl::unexpected(at->second);
        }
        return nullptr;
    });
}

std::vector<Ingester::TenantPtr> Ingester::open_tenants() const {
    return tenants_.with([](const Tenants& tenants) {
        std::vector<TenantPtr> all;
        for (const auto& [id, tenant] : tenants.open) all.push_back(tenant);
        return all;
    });
}

Result<void> Ingester::push(
    const rpc::RequestContext& context, const model::WriteRequest& request
) {
    const Inflight inflight(inflight_pushes_, environment_.metrics.inflight_pushes);
    MIMIR_TRY(check_instance_limits(inflight.before()));
    MIMIR_TRY(const TenantPtr tenant, tenant_for_push(*context.tenant));
    if (!request.metadata.empty()) store_metadata(*tenant, request);
    if (request.series.empty()) return {};

    const auto limits = environment_.limits.of(context.tenant->str());
    const bool full = series_limit_reached();
    const std::uint64_t series_max = max_series(*tenant, *limits, full);
    if (full && series_max == 0) {
        return refuse_for("ingester-max-series", "the allowed number of in-memory series");
    }
    MIMIR_TRY(tsdb::AppendOutcome outcome, tenant->db->append(request, {.max_series = series_max}));
    if (options_.instance_limits.max_ingestion_rate != 0) {
        ingestion_rate_.add(outcome.samples + outcome.histograms, environment_.clock.steady_now());
    }
    tenant->metrics.ingested_samples->add(outcome.samples + outcome.histograms);
    tenant->metrics.series_created->add(outcome.series_created);
    environment_.metrics.ingested_exemplars.add(outcome.exemplars);
    for (const auto& [refusal, reason] : kSampleRefusals) {
        const std::uint32_t refused = outcome.refused_for(refusal);
        if (refused == 0) continue;
        tenant->metrics.ingested_samples_failures->add(refused);
        environment_.metrics.discarded_samples.with({reason, tenant->id.str(), ""})->add(refused);
    }
    // The tenant may have more: another ingester, or this one later, may take them.
    const bool for_instance = full && outcome.refused_for(tsdb::Refusal::series_limit) > 0 &&
                              max_series(*tenant, *limits, false) != series_max;
    if (for_instance) {
        return refuse_for("ingester-max-series", "the allowed number of in-memory series");
    }
    if (!outcome.errors.empty()) return tl::unexpected(std::move(outcome.errors.front()));
    return {};
}

Result<void> Ingester::check_instance_limits(std::size_t inflight_before) const {
    const InstanceLimits& limits = options_.instance_limits;
    if (limits.max_inflight_push_requests != 0 &&
        inflight_before >= limits.max_inflight_push_requests) {
        return refuse_for(
            "ingester-max-inflight-push-requests", "the allowed number of inflight push requests"
        );
    }
    if (limits.max_ingestion_rate != 0 &&
        ingestion_rate_.per_second(environment_.clock.steady_now()) >= limits.max_ingestion_rate) {
        return refuse_for("ingester-max-ingestion-rate", "the samples ingestion rate limit");
    }
    return {};
}

tl::unexpected<Error> Ingester::refuse_for(std::string_view id, std::string_view what) const {
    std::string reason(id);
    std::replace(reason.begin(), reason.end(), '-', '_');
    environment_.metrics.rejected_requests.with({reason})->inc();
    return fail_with_id(
        ErrorKind::unavailable,
        id,
        "the write request has been rejected because the ingester exceeded {}",
        what
    );
}

bool Ingester::series_limit_reached() const {
    const std::uint64_t limit = options_.instance_limits.max_series;
    if (limit == 0) return false;
    std::uint64_t series = 0;
    for (const TenantPtr& tenant : open_tenants()) series += tenant->db->head().series_count();
    return series >= limit;
}

std::uint64_t Ingester::max_series(
    const Tenant& tenant, const config::Limits& limits, bool instance_full
) const {
    const std::uint64_t share = share_of(limits.max_global_series_per_user, limits);
    if (!instance_full) return share;
    const std::uint64_t present = tenant.db->head().series_count();
    return share == 0 ? present : std::min(share, present);
}

std::uint64_t Ingester::share_of(std::uint64_t global, const config::Limits& limits) const {
    if (!environment_.ring_shape) return global;
    return local_share(global, environment_.ring_shape(), limits.ingestion_tenant_shard_size);
}

void Ingester::store_metadata(Tenant& tenant, const model::WriteRequest& request) {
    const auto limits = environment_.limits.of(tenant.id.str());
    const MetadataStore::Limits store_limits{
        .metrics_max = share_of(limits->max_global_metadata_per_user, *limits),
        .per_metric_max = limits->max_global_metadata_per_metric
    };
    const TimestampMs now = environment_.clock.now();
    for (const model::MetricMetadata& metadata : request.metadata) {
        // Metadata is a help to people: what is refused is counted, and does not fail the request.
        if (auto added = tenant.metadata.add(metadata, store_limits, now)) {
            environment_.metrics.ingested_metadata.inc();
        } else {
            const bool per_user = added.error().id == "max-metadata-per-user";
            const auto reason = per_user ? "per_user_metadata_limit" : "per_metric_metadata_limit";
            environment_.metrics.discarded_metadata.with({reason, tenant.id.str()})->inc();
        }
    }
}

Result<std::unique_ptr<chunkenc::SeriesSet>> Ingester::select(
    const rpc::RequestContext& context, const model::Matchers& matchers, TimeRange range
) {
    MIMIR_TRY(TenantPtr tenant, tenant_for_read(context));
    if (!tenant) return std::make_unique<chunkenc::EmptySeriesSet>();
    environment_.metrics.queries.inc();
    MIMIR_TRY(auto series, tenant->db->select(matchers, range));
    return std::make_unique<chunkenc::OwningSeriesSet>(std::move(tenant), std::move(series));
}

Result<std::vector<model::Labels>> Ingester::series(
    const rpc::RequestContext& context, std::span<const model::Matchers> selectors, TimeRange range
) {
    MIMIR_TRY(const TenantPtr tenant, tenant_for_read(context));
    if (!tenant) return {};
    return tenant->db->series(selectors, range);
}

Result<std::vector<std::string>> Ingester::label_names(
    const rpc::RequestContext& context, const model::Matchers& matchers, TimeRange range
) {
    MIMIR_TRY(const TenantPtr tenant, tenant_for_read(context));
    if (!tenant) return {};
    return tenant->db->label_names(matchers, range);
}

Result<std::vector<std::string>> Ingester::label_values(
    const rpc::RequestContext& context,
    std::string_view name,
    const model::Matchers& matchers,
    TimeRange range
) {
    MIMIR_TRY(const TenantPtr tenant, tenant_for_read(context));
    if (!tenant) return {};
    return tenant->db->label_values(name, matchers, range);
}

Result<std::vector<model::SeriesExemplars>> Ingester::exemplars(
    const rpc::RequestContext& context, std::span<const model::Matchers> selectors, TimeRange range
) {
    MIMIR_TRY(const TenantPtr tenant, tenant_for_read(context));
    if (!tenant) return {};
    return tenant->db->exemplars(selectors, range);
}

Result<std::vector<model::MetricMetadata>> Ingester::metadata(
    const rpc::RequestContext& context, const rpc::MetadataQuery& query
) {
    MIMIR_TRY(const TenantPtr tenant, tenant_for_read(context));
    if (!tenant) return {};
    return tenant->metadata.find(query);
}

void Ingester::compact(const std::function<bool()>& stop) {
    const TimestampMs oldest_metadata = environment_.clock.now() - options_.metadata_retain_period;
    for (const TenantPtr& tenant : open_tenants()) {
        if (stop()) return;
        tenant->metadata.purge(oldest_metadata);
        if (auto compacted = tenant->db->compact(); !compacted) {
            environment_.log.error(
                "compaction failed", {{"user", tenant->id}, {"err", compacted.error()}}
            );
        }
    }
}

void Ingester::sync() {
    for (const TenantPtr& tenant : open_tenants()) {
        if (auto synced = tenant->db->sync(); !synced) {
            environment_.log.error(
                "the write-ahead log can't be synced",
                {{"user", tenant->id}, {"err", synced.error()}}
            );
        }
    }
}

void Ingester::flush(std::span<const model::TenantId> tenants) {
    for (const TenantPtr& tenant : open_tenants()) {
        const bool wanted = tenants.empty() ||
                            std::find(tenants.begin(), tenants.end(), tenant->id) != tenants.end();
        if (!wanted) continue;
        if (auto flushed = tenant->db->flush(); !flushed) {
            environment_.log.error(
                "flush failed", {{"user", tenant->id}, {"err", flushed.error()}}
            );
        }
    }
}

void Ingester::request_flush(std::vector<model::TenantId> tenants) {
    requested_flushes_.with([&](auto& requested) { requested.push_back(std::move(tenants)); });
}

void Ingester::run_requested_flushes() {
    const auto requested =
        requested_flushes_.with([](auto& waiting) { return std::exchange(waiting, {}); });
    for (const auto& tenants : requested) flush(tenants);
}

bool Ingester::flush_requested() const {
    return requested_flushes_.with([](const auto& waiting) { return !waiting.empty(); });
}

void Ingester::expose(telemetry::MetricScope& scope) {
    using telemetry::MetricType;
    /// A gauge that adds up something of every tenant.
    const auto total = [&](std::string_view name, std::string_view help, auto value_of) {
        scope.callback(MetricType::gauge, name, help, [this, value_of] {
            double sum = 0;
            for (const TenantPtr& tenant : open_tenants())
                sum += static_cast<double>(value_of(*tenant));
            return sum;
        });
    };
    total("cortex_ingester_memory_users", "Tenants that are open.", [](const Tenant&) {
        return 1;
    });
    total("cortex_ingester_memory_series", "Series in memory.", [](const Tenant& tenant) {
        return tenant.db->head().series_count();
    });
    total("cortex_ingester_memory_metadata", "Metadata in memory.", [](const Tenant& tenant) {
        return tenant.metadata.size();
    });
    total(
        "cortex_ingester_tsdb_storage_blocks_bytes",
        "Bytes of the local blocks.",
        [](const Tenant& tenant) { return tenant.db->stats().block_bytes; }
    );
    total("mimird_ingester_blocks", "Local blocks.", [](const Tenant& tenant) {
        return tenant.db->stats().blocks;
    });
    total(
        "mimird_ingester_head_bytes",
        "Bytes in memory of series, their labels and open chunks.",
        [](const Tenant& tenant) {
            const tsdb::HeadStats head = tenant.db->stats().head;
            return head.series_bytes + head.label_bytes + head.other_bytes + head.chunk_write_bytes;
        }
    );
    scope.callbacks(
        MetricType::counter,
        "cortex_ingester_memory_series_removed_total",
        "Series that left memory.",
        {"user"},
        [this](const telemetry::MetricScope::Emit& emit) {
            for (const TenantPtr& tenant : open_tenants()) {
                const double created = tenant->metrics.series_created->value();
                const auto present = static_cast<double>(tenant->db->head().series_count());
                emit({tenant->id.str()}, std::max(0.0, created - present));
            }
        }
    );
    /// The oldest or newest time of all heads, in seconds; 0 while there are no samples.
    const auto time = [&](std::string_view name, std::string_view help, auto time_of, auto better) {
        scope.callback(MetricType::gauge, name, help, [this, time_of, better] {
            std::optional<TimestampMs> best;
            for (const TenantPtr& tenant : open_tenants()) {
                const tsdb::Head& head = tenant->db->head();
                if (head.min_time() > head.max_time()) continue;
                if (!best || better(time_of(head), *best)) best = time_of(head);
            }
            return best ? static_cast<double>(best->ms) / 1000 : 0;
        });
    };
    time(
        "cortex_ingester_tsdb_head_min_timestamp_seconds",
        "Time of the oldest sample in memory.",
        [](const tsdb::Head& head) { return head.min_time(); },
        std::less<>{}
    );
    time(
        "cortex_ingester_tsdb_head_max_timestamp_seconds",
        "Time of the newest sample in memory.",
        [](const tsdb::Head& head) { return head.max_time(); },
        std::greater<>{}
    );
}

}  // namespace mimir::ingester
