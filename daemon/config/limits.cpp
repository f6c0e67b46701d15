#include "config/limits.hpp"

namespace mimir::config {
namespace {

void declare_ha(Declarer& d, Limits& l) {
    d.option(
        l.accept_ha_samples,
        {
            .key = "limits.accept_ha_samples",
            .flag = "distributor.ha-tracker.enable-for-all-users",
            .help =
                "Take the samples of one of several Prometheus servers that scrape the same, and "
                "drop those of the others. Needs distributor.ha_tracker.enable_ha_tracker.",
        }
    );
    d.option(
        l.ha_cluster_label,
        {
            .key = "limits.ha_cluster_label",
            .flag = "distributor.ha-tracker.cluster",
            .help = "Label that names what the servers have in common.",
        }
    );
    d.option(
        l.ha_replica_label,
        {
            .key = "limits.ha_replica_label",
            .flag = "distributor.ha-tracker.replica",
            .help = "Label that tells the servers apart; it is not stored.",
        }
    );
    d.option(
        l.ha_max_clusters,
        {
            .key = "limits.ha_max_clusters",
            .flag = "distributor.ha-tracker.max-clusters",
            .help = "Most clusters of a tenant that are tracked. 0 for no limit.",
        }
    );
    d.option(
        l.ha_tracker_update_timeout,
        {
            .key = "limits.ha_tracker_update_timeout",
            .flag = "distributor.ha-tracker.update-timeout",
            .help = "How often the store is told that the elected server still sends.",
            .category = Category::advanced,
        }
    );
    d.option(
        l.ha_tracker_update_timeout_jitter_max,
        {
            .key = "limits.ha_tracker_update_timeout_jitter_max",
            .flag = "distributor.ha-tracker.update-timeout-jitter-max",
            .help = "The update time-out is up to so much shorter or longer, at random.",
            .category = Category::advanced,
        }
    );
    d.option(
        l.ha_tracker_failover_timeout,
        {
            .key = "limits.ha_tracker_failover_timeout",
            .flag = "distributor.ha-tracker.failover-timeout",
            .help =
                "Another server is elected when the elected one was silent for so long; at least "
                "the update time-out, its jitter and a second.",
            .category = Category::advanced,
        }
    );
}

}  // namespace

void declare(Declarer& d, Limits& l) {
    d.set_per_tenant(true);
    d.set_module("");
    d.option(
        l.ingestion_rate,
        {
            .key = "limits.ingestion_rate",
            .flag = "distributor.ingestion-rate-limit",
            .help =
                "Samples, histograms, exemplars and metadata that a tenant may push in a second.",
            .min = 0,
        }
    );
    d.option(
        l.ingestion_burst_size,
        {
            .key = "limits.ingestion_burst_size",
            .flag = "distributor.ingestion-burst-size",
            .help = "How far a tenant may exceed its ingestion rate at once; at least the size of "
                    "its largest request.",
        }
    );
    d.option(
        l.max_label_name_length,
        {
            .key = "limits.max_label_name_length",
            .flag = "validation.max-length-label-name",
            .help = "Longest label name, in bytes.",
        }
    );
    d.option(
        l.max_label_value_length,
        {
            .key = "limits.max_label_value_length",
            .flag = "validation.max-length-label-value",
            .help = "Longest label value, in bytes; also applies to the metric name.",
        }
    );
    d.option(
        l.max_label_names_per_series,
        {
            .key = "limits.max_label_names_per_series",
            .flag = "validation.max-label-names-per-series",
            .help = "Most labels of one series.",
        }
    );
    d.option(
        l.max_label_names_per_info_series,
        {
            .key = "limits.max_label_names_per_info_series",
            .flag = "validation.max-label-names-per-info-series",
            .help = "Most labels of one info series, whose metric name ends in _info.",
        }
    );
    d.option(
        l.max_metadata_length,
        {
            .key = "limits.max_metadata_length",
            .flag = "validation.max-metadata-length",
            .help = "Longest metric name, unit and help text of metadata, in bytes. Longer help is "
                    "cut, longer names and units are refused.",
        }
    );
    d.option(
        l.enforce_metadata_metric_name,
        {
            .key = "limits.enforce_metadata_metric_name",
            .flag = "validation.enforce-metadata-metric-name",
            .help = "Refuse metadata that names no metric.",
            .category = Category::advanced,
        }
    );
    d.option(
        l.creation_grace_period,
        {
            .key = "limits.creation_grace_period",
            .flag = "validation.create-grace-period",
            .help = "How far in the future a sample may be.",
            .category = Category::advanced,
        }
    );
    d.option(
        l.past_grace_period,
        {
            .key = "limits.past_grace_period",
            .flag = "validation.past-grace-period",
            .help = "How far in the past a sample may be, beyond the out-of-order time window. 0 "
                    "for any time.",
            .category = Category::advanced,
        }
    );
    d.option(
        l.native_histograms_ingestion_enabled,
        {
            .key = "limits.native_histograms_ingestion_enabled",
            .flag = "ingester.native-histograms-ingestion-enabled",
            .help = "Take native histograms. When false they are dropped silently.",
        }
    );
    d.option(
        l.ingestion_tenant_shard_size,
        {
            .key = "limits.ingestion_tenant_shard_size",
            .flag = "distributor.ingestion-tenant-shard-size",
            .help = "Ingesters, over all zones, that a tenant's series are spread over. 0 for all.",
        }
    );
    declare_ha(d, l);
    d.option(
        l.max_global_series_per_user,
        {
            .key = "limits.max_global_series_per_user",
            .flag = "ingester.max-global-series-per-user",
            .help = "Most series in memory of a tenant, before replication, in the whole cluster. "
                    "0 for no limit.",
        }
    );
    d.option(
        l.max_global_metadata_per_user,
        {
            .key = "limits.max_global_metadata_per_user",
            .flag = "ingester.max-global-metadata-per-user",
            .help = "Most metrics with metadata of a tenant in the whole cluster. 0 for no limit.",
        }
    );
    d.option(
        l.max_global_metadata_per_metric,
        {
            .key = "limits.max_global_metadata_per_metric",
            .flag = "ingester.max-global-metadata-per-metric",
            .help = "Most variants of metadata of one metric in the whole cluster. 0 for no limit.",
        }
    );
    d.option(
        l.max_global_exemplars_per_user,
        {
            .key = "limits.max_global_exemplars_per_user",
            .flag = "ingester.max-global-exemplars-per-user",
            .help = "Exemplars kept in memory for a tenant in the whole cluster. 0 keeps none.",
            .category = Category::experimental,
        }
    );
    d.option(
        l.max_fetched_series_per_query,
        {
            .key = "limits.max_fetched_series_per_query",
            .flag = "querier.max-fetched-series-per-query",
            .help = "Most series that one query may read. 0 for no limit.",
        }
    );
    d.option(
        l.max_fetched_chunks_per_query,
        {
            .key = "limits.max_fetched_chunks_per_query",
            .flag = "querier.max-fetched-chunks-per-query",
            .help = "Most chunks that one query may read. 0 for no limit.",
        }
    );
    d.option(
        l.max_fetched_chunk_bytes_per_query,
        {
            .key = "limits.max_fetched_chunk_bytes_per_query",
            .flag = "querier.max-fetched-chunk-bytes-per-query",
            .help = "Most bytes of chunks that one query may read. 0 for no limit.",
            .unit = Unit::bytes,
        }
    );
    d.option(
        l.max_query_lookback,
        {
            .key = "limits.max_query_lookback",
            .flag = "querier.max-query-lookback",
            .help = "How far back queries see: their start is moved there. 0 for any time.",
        }
    );
    d.option(
        l.query_ingesters_within,
        {
            .key = "limits.query_ingesters_within",
            .flag = "querier.query-ingesters-within",
            .help =
                "Ingesters that came to a tenant's shard, or left it, within this time are read "
                "too; so long ingesters must keep samples. 0 to read all ingesters.",
            .category = Category::advanced,
        }
    );
    d.option(
        l.max_partial_query_length,
        {
            .key = "limits.max_partial_query_length",
            .flag = "querier.max-partial-query-length",
            .help =
                "Longest time range of a query at the querier, after splitting. 0 for no limit.",
        }
    );
    d.option(
        l.max_total_query_length,
        {
            .key = "limits.max_total_query_length",
            .flag = "query-frontend.max-total-query-length",
            .help = "Longest time range of a query as it was asked. 0 for no limit.",
        }
    );
    d.option(
        l.max_labels_query_length,
        {
            .key = "limits.max_labels_query_length",
            .flag = "store.max-labels-query-length",
            .help = "Longest time range of a request for series, label names or label values: its "
                    "start is moved. 0 for no limit.",
        }
    );
    d.option(
        l.max_query_parallelism,
        {
            .key = "limits.max_query_parallelism",
            .flag = "querier.max-query-parallelism",
            .help = "Most parts of one query that are evaluated at the same time, where the "
                    "query-frontend splits it. 0 for no limit.",
        }
    );
    d.option(
        l.max_query_expression_size_bytes,
        {
            .key = "limits.max_query_expression_size_bytes",
            .flag = "query-frontend.max-query-expression-size-bytes",
            .help = "Longest text of a query. 0 for no limit.",
            .unit = Unit::bytes,
        }
    );
    d.option(
        l.max_series_query_limit,
        {
            .key = "limits.max_series_query_limit",
            .flag = "querier.max-series-query-limit",
            .help = "Greatest `limit` of a series request; requests without or with a greater one "
                    "get this. 0 for no limit.",
        }
    );
    d.option(
        l.max_queriers_per_tenant,
        {
            .key = "limits.max_queriers_per_tenant",
            .flag = "query-frontend.max-queriers-per-tenant",
            .help = "Queriers that evaluate a tenant's queries, always the same ones. 0 for all.",
        }
    );
    d.set_per_tenant(false);
}

LimitsProvider::LimitsProvider(Limits defaults)
    : defaults_(std::make_shared<const Limits>(defaults)),
      overrides_(std::make_shared<const LimitsOverrides>()) {}

std::shared_ptr<const Limits> LimitsProvider::of(std::string_view tenant) const {
    const auto overrides = overrides_.load();
    const auto at = overrides->find(tenant);
    return at == overrides->end() ? defaults_.load() : at->second;
}

void LimitsProvider::replace_defaults(Limits defaults) {
    defaults_.store(std::make_shared<const Limits>(defaults));
}

void LimitsProvider::replace_overrides(LimitsOverrides overrides) {
    overrides_.store(std::make_shared<const LimitsOverrides>(std::move(overrides)));
}

}  // namespace mimir::config
