#include "components/distributor/validation.hpp"

#include <algorithm>
#include <array>

namespace mimir::distributor {
namespace {

constexpr std::size_t kExemplarCharactersMax = 128;
/// Of values and series shown in messages: a label of a megabyte is not sent back.
constexpr std::size_t kShownBytesMax = 200;

/// The settings that move a limit, by error id.
struct LimitFlags {
    std::string_view id;
    std::string_view flags;
};
constexpr std::array kLimitFlags{
    LimitFlags{"max-label-names-per-series", "-validation.max-label-names-per-series"},
    LimitFlags{"max-label-names-per-info-series", "-validation.max-label-names-per-info-series"},
    LimitFlags{"label-name-too-long", "-validation.max-length-label-name"},
    LimitFlags{"label-value-too-long", "-validation.max-length-label-value"},
    LimitFlags{"too-far-in-future", "-validation.create-grace-period"},
    LimitFlags{"too-far-in-past", "-validation.past-grace-period"},
    LimitFlags{"metric-name-too-long", "-validation.max-metadata-length"},
    LimitFlags{"unit-too-long", "-validation.max-metadata-length"},
    LimitFlags{"tenant-too-many-ha-clusters", "-distributor.ha-tracker.max-clusters"},
    LimitFlags{
        "tenant-max-ingestion-rate",
        "-distributor.ingestion-rate-limit and -distributor.ingestion-burst-size"
    },
};

/// Text for a message: not too long, and UTF-8.
std::string shown(std::string_view text) {
    const bool cut = text.size() > kShownBytesMax;
    if (cut) text = text.substr(0, kShownBytesMax);
    while (cut && !text.empty() && (text.back() & 0x80) != 0) text.remove_suffix(1);
    std::string out(text);
    if (!model::is_valid_utf8(out)) {
        std::replace_if(out.begin(), out.end(), [](char c) { return (c & 0x80) != 0; }, '?');
    }
    if (cut) out += "...";
    return out;
}

std::string shown(std::span<const model::Label> labels) {
    model::LabelsBuilder builder;
    for (const model::Label& label : labels) builder.set(label.name, label.value);
    return shown(builder.build().to_string());
}

tl::unexpected<Error> refuse(std::string_view id, std::string message) {
    return tl::unexpected(Error{ErrorKind::invalid, id, std::move(message)});
}

Result<void> validate_metric_name(std::span<const model::Label> labels) {
    const auto name = std::find_if(labels.begin(), labels.end(), [](const model::Label& label) {
        return label.name == model::kMetricName;
    });
    if (name == labels.end()) {
        return refuse("missing-metric-name", "received series has no metric name");
    }
    if (!model::is_legacy_metric_name(name->value)) {
        return refuse(
            "metric-name-invalid",
            fmt::format("received a series with an invalid metric name: '{}'", shown(name->value))
        );
    }
    return {};
}

bool is_info_series(std::span<const model::Label> labels) {
    return std::any_of(labels.begin(), labels.end(), [](const model::Label& label) {
        return label.name == model::kMetricName && label.value.ends_with("_info");
    });
}

Result<void> validate_label_count(
    std::span<const model::Label> labels, const config::Limits& limits
) {
    const std::size_t count = labels.size();
    if (count <= limits.max_label_names_per_series) return {};
    const auto refuse_count = [&](std::string_view id, std::uint64_t limit) {
        return refuse(
            id,
            fmt::format(
                "received a series whose number of labels exceeds the limit (actual: {}, limit: "
                "{}) "
                "series: '{}'",
                count,
                limit,
                shown(labels)
            )
        );
    };
    if (!is_info_series(labels)) {
        return refuse_count("max-label-names-per-series", limits.max_label_names_per_series);
    }
    if (count <= limits.max_label_names_per_info_series) return {};
    return refuse_count("max-label-names-per-info-series", limits.max_label_names_per_info_series);
}

Result<void> validate_label(
    const model::Label& label, std::span<const model::Label> series, const config::Limits& limits
) {
    if (!model::is_legacy_label_name(label.name)) {
        return refuse(
            "label-invalid",
            fmt::format(
                "received a series with an invalid label: '{}' series: '{}'",
                shown(label.name),
                shown(series)
            )
        );
    }
    if (label.name.size() > limits.max_label_name_length) {
        return refuse(
            "label-name-too-long",
            fmt::format(
                "received a series whose label name length of {} exceeds the limit of {}, label: "
                "'{}' "
                "series: '{}'",
                label.name.size(),
                limits.max_label_name_length,
                shown(label.name),
                shown(series)
            )
        );
    }
    if (!model::is_valid_utf8(label.value)) {
        return refuse(
            "label-value-invalid",
            fmt::format(
                "received a series with invalid value in label '{}': '{}' metric: '{}'",
                shown(label.name),
                shown(label.value),
                shown(series)
            )
        );
    }
    if (label.value.size() > limits.max_label_value_length) {
        return refuse(
            "label-value-too-long",
            fmt::format(
                "received a series whose label value length of {} exceeds the limit of {}, label: "
                "'{}', "
                "value: '{}' series: '{}'",
                label.value.size(),
                limits.max_label_value_length,
                shown(label.name),
                shown(label.value),
                shown(series)
            )
        );
    }
    return {};
}

/// Unicode characters, as Go counts runes.
std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (c & 0xC0) != 0x80;
    }));
}

}  // namespace

Result<void> validate_labels(std::span<const model::Label> labels, const config::Limits& limits) {
    MIMIR_TRY(validate_metric_name(labels));
    MIMIR_TRY(validate_label_count(labels, limits));
    std::string_view previous;
    for (const model::Label& label : labels) {
        MIMIR_TRY(validate_label(label, labels, limits));
        if (label.name == previous) {
            return refuse(
                "duplicate-label-names",
                fmt::format(
                    "received a series with duplicate label name, label: '{}' series: '{}'",
                    label.name,
                    shown(labels)
                )
            );
        }
        previous = label.name;
    }
    return {};
}

TimeWindow TimeWindow::of(const config::Limits& limits, TimestampMs now) {
    TimeWindow window{.newest = now + limits.creation_grace_period};
    if (limits.past_grace_period.count() > 0) {
        window.oldest = now - limits.past_grace_period;
    }
    return window;
}

Result<void> validate_time(TimestampMs time, const TimeWindow& window, model::LabelsView series) {
    if (time > window.newest) {
        return refuse(
            "too-far-in-future",
            fmt::format(
                "received a sample whose timestamp is too far in the future, timestamp: {} series: "
                "'{}'",
                time.ms,
                shown(series.to_string())
            )
        );
    }
    if (time < window.oldest) {
        return refuse(
            "too-far-in-past",
            fmt::format(
                "received a sample whose timestamp is too far in the past, timestamp: {} series: "
                "'{}'",
                time.ms,
                shown(series.to_string())
            )
        );
    }
    return {};
}

Result<void> validate_exemplar(const model::Exemplar& exemplar, model::LabelsView series) {
    if (exemplar.labels.empty()) {
        return refuse(
            "exemplar-labels-missing",
            fmt::format(
                "received an exemplar with no valid labels, timestamp: {} series: {}",
                exemplar.time.ms,
                shown(series.to_string())
            )
        );
    }
    if (exemplar.time.ms == 0) {
        return refuse(
            "exemplar-timestamp-invalid",
            fmt::format(
                "received an exemplar with no timestamp, timestamp: {} series: {} labels: {}",
                exemplar.time.ms,
                shown(series.to_string()),
                shown(exemplar.labels.to_string())
            )
        );
    }
    std::size_t total = 0;
    for (const model::Label label : exemplar.labels) {
        total += characters(label.name) + characters(label.value);
    }
    if (total > kExemplarCharactersMax) {
        return refuse(
            "exemplar-labels-too-long",
            fmt::format(
                "received an exemplar where the size of its combined labels exceeds the limit of "
                "{} "
                "characters, timestamp: {} series: {} labels: {}",
                kExemplarCharactersMax,
                exemplar.time.ms,
                shown(series.to_string()),
                shown(exemplar.labels.to_string())
            )
        );
    }
    return {};
}

Result<void> validate_metadata(model::MetricMetadata& metadata, const config::Limits& limits) {
    if (limits.enforce_metadata_metric_name && metadata.metric.empty()) {
        return refuse(
            "metadata-missing-metric-name", "received a metric metadata with no metric name"
        );
    }
    const std::uint64_t limit = limits.max_metadata_length;
    if (metadata.metric.size() > limit) {
        return refuse(
            "metric-name-too-long",
            fmt::format(
                "received a metric metadata whose metric name length exceeds the limit of {}, "
                "metric name: '{}'",
                limit,
                shown(metadata.metric)
            )
        );
    }
    if (metadata.metadata.unit.size() > limit) {
        return refuse(
            "unit-too-long",
            fmt::format(
                "received a metric metadata whose unit name length exceeds the limit of {}, unit: "
                "'{}' metric "
                "name: '{}'",
                limit,
                shown(metadata.metadata.unit),
                shown(metadata.metric)
            )
        );
    }
    if (std::string& help = metadata.metadata.help; help.size() > limit) {
        std::size_t end = limit;
        while (end > 0 && (help[end] & 0xC0) == 0x80) --end;
        help.resize(end);
    }
    return {};
}

std::string discard_reason(std::string_view error_id) {
    std::string reason(error_id);
    std::replace(reason.begin(), reason.end(), '-', '_');
    return reason;
}

Error finish(const Error& error) {
    Error finished = error;
    if (error.id.empty()) return finished;
    finished.message += fmt::format(" (err-mimir-{})", error.id);
    constexpr std::string_view kIngesterLimit = "ingester-max-";
    if (error.id.starts_with(kIngesterLimit)) {
        finished.message += fmt::format(
            ". To adjust the related limit, configure -ingester.instance-limits.{}, or contact "
            "your service administrator.",
            error.id.substr(std::string_view("ingester-").size())
        );
    }
    for (const LimitFlags& one : kLimitFlags) {
        if (one.id != error.id) continue;
        finished.message += fmt::format(
            ". To adjust the related per-tenant limit{}, configure {}, or contact your service "
            "administrator.",
            one.flags.find(' ') == std::string_view::npos ? "" : "s",
            one.flags
        );
    }
    return finished;
}

}  // namespace mimir::distributor
