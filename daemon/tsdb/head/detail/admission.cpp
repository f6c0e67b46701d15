#include "tsdb/head/detail/admission.hpp"

#include "base/assert.hpp"
#include "base/rfc3339.hpp"

namespace mimir::tsdb::detail {
namespace {

struct RefusalText {
    std::string_view id;
    std::string_view why;
};

/// Texts as Mimir's users know them.
RefusalText text_of(Refusal reason) {
    switch (reason) {
        case Refusal::out_of_order:
            return {
                "sample-out-of-order",
                "the sample has been rejected because another sample with a more recent timestamp "
                "has already been ingested and out-of-order samples are not allowed"
            };
        case Refusal::duplicate_timestamp:
            return {
                "sample-duplicate-timestamp",
                "the sample has been rejected because another sample with the same timestamp, but "
                "a different value, has already been ingested"
            };
        case Refusal::too_old:
            return {
                "sample-timestamp-too-old",
                "the sample has been rejected because its timestamp is too old"
            };
        case Refusal::exemplar_out_of_order:
            return {
                "exemplar-out-of-order",
                "the exemplar has been rejected because a more recent one has already been ingested"
            };
        case Refusal::exemplar_series_missing:
            return {
                "exemplar-series-missing",
                "the exemplar has been rejected because the related series has not been ingested "
                "yet"
            };
        case Refusal::series_limit: break;
    }
    return {"max-series-per-user", "per-user series limit exceeded"};
}

}  // namespace

HistogramRecord& LogBuffer::histograms_for(const model::HistogramSample& sample) {
    const auto type = HistogramRecord::type_for(sample);
    return histograms_
        [static_cast<std::size_t>(type) - static_cast<std::size_t>(RecordType::histograms)];
}

void LogBuffer::clear() {
    series.clear();
    samples.clear();
    exemplars.clear();
    for (HistogramRecord& record : histograms_) record.clear();
}

std::span<const std::string_view> LogBuffer::records() {
    records_.clear();
    const auto add = [&](const auto& record) {
        if (!record.empty()) records_.push_back(record.bytes());
    };
    add(series);
    add(samples);
    for (const HistogramRecord& record : histograms_) add(record);
    add(exemplars);
    return records_;
}

void Refusals::add(Refusal reason, TimestampMs time, model::LabelsView labels) {
    count(reason, 1);
    if (outcome_.errors.size() >= kErrorsMax) return;
    const RefusalText text = text_of(reason);
    outcome_.errors.push_back(
        {ErrorKind::invalid,
         text.id,
         fmt::format(
             "{}. The affected sample has timestamp {} and is from series {}",
             text.why,
             format_rfc3339(time),
             labels.to_string()
         )}
    );
}

void Refusals::add_series_limit(std::size_t limit, std::uint32_t samples) {
    count(Refusal::series_limit, samples);
    if (outcome_.errors.size() >= kErrorsMax) return;
    outcome_.errors.push_back(
        {ErrorKind::limit,
         text_of(Refusal::series_limit).id,
         fmt::format("per-user series limit of {} exceeded", limit)}
    );
}

}  // namespace mimir::tsdb::detail
