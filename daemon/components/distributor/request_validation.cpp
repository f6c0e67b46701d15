#include "components/distributor/request_validation.hpp"

#include <algorithm>
#include <chrono>

#include "components/distributor/validation.hpp"
#include "model/histogram_validation.hpp"
#include "wire/labels.hpp"

namespace mimir::distributor {
namespace {

using model::WriteRequest;
using model::WriteSeries;

constexpr std::size_t kPrefetchAhead = 8;
/// Exemplars older than the request's samples by more than this are dropped.
constexpr std::chrono::milliseconds kExemplarAgeMax = std::chrono::minutes(5);

class Validator {
  public:
    Validator(
        WriteRequest& request, const config::Limits& limits, TimestampMs now, KnownSeries& known
    )
        : request_(request),
          limits_(limits),
          window_(TimeWindow::of(limits, now)),
          known_(known),
          known_reader_(known.reader()) {}

    Result<ValidationOutcome> run() {
        auto& series = request_.series;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < series.size(); ++i) {
            if (i + kPrefetchAhead < series.size()) {
                known_reader_.prefetch(series[i + kPrefetchAhead].hash);
            }
            MIMIR_TRY(const bool keep, check_series(series[i]));
            if (!keep) {
                request_.as_received = false;
                continue;
            }
            outcome_.samples += series[i].sample_count;
            outcome_.histograms += series[i].histogram_count;
            if (kept != i) series[kept] = series[i];
            ++kept;
        }
        series.resize(kept);
        if (!request_.exemplars.empty()) check_exemplars();
        if (!request_.metadata.empty()) check_metadata();
        return std::move(outcome_);
    }

  private:
    /// Whether the series stays. Errors: malformed labels.
    Result<bool> check_series(WriteSeries& series) {
        if (known_reader_.contains(series.hash)) {
            series.canonical = true;
        } else {
            MIMIR_TRY(const bool valid, check_labels(series));
            if (!valid) return false;
        }
        if (series.sample_count > 1) drop_duplicate_times(series);
        if (auto checked = check_times(series); !checked) {
            refuse_series(series, std::move(checked.error()));
            return false;
        }
        if (series.histogram_count > 0 && !check_histograms(series)) return false;
        return true;
    }

    Result<bool> check_labels(WriteSeries& series) {
        MIMIR_TRY(const wire::Form form, wire::parse_labels(series.labels.bytes(), labels_));
        if (form != wire::Form::canonical) wire::sort_and_filter(labels_);
        if (auto valid = validate_labels(labels_, limits_); !valid) {
            refuse_series(series, std::move(valid.error()));
            return false;
        }
        if (form == wire::Form::canonical) {
            known_.add(series.hash);
        } else {
            rewrite_labels(series);
        }
        series.canonical = true;
        return true;
    }

    void rewrite_labels(WriteSeries& series) {
        std::string bytes;
        for (const model::Label& label : labels_) model::append_label(bytes, label);
        series.labels = request_.rewritten.emplace_back(model::LabelsView::from_canonical(bytes));
        series.hash = series.labels.hash();
        changed(series);
    }

    /// Of samples at one time the first stays. Senders hardly ever repeat one, so looking at neighbours comes first.
    void drop_duplicate_times(WriteSeries& series) {
        const auto samples =
            std::span(request_.samples).subspan(series.first_sample, series.sample_count);
        const auto ascending = [](const model::Sample& a, const model::Sample& b) {
            return a.time >= b.time;
        };
        if (std::adjacent_find(samples.begin(), samples.end(), ascending) == samples.end()) return;
        seen_times_.clear();
        std::uint32_t kept = 0;
        for (const model::Sample& sample : samples) {
            const auto at = std::lower_bound(seen_times_.begin(), seen_times_.end(), sample.time);
            if (at != seen_times_.end() && *at == sample.time) continue;
            seen_times_.insert(at, sample.time);
            samples[kept++] = sample;
        }
        if (kept == series.sample_count) return;
        discarded("sample-duplicate-timestamp").samples += series.sample_count - kept;
        series.sample_count = kept;
        changed(series);
    }

    Result<void> check_times(const WriteSeries& series) {
        for (const model::Sample& sample : request_.samples_of(series)) {
            if (sample.time > window_.newest || sample.time < window_.oldest) [[unlikely]] {
                return validate_time(sample.time, window_, series.labels);
            }
            outcome_.newest_sample = std::max(outcome_.newest_sample, sample.time);
        }
        for (const model::HistogramSample& sample : request_.histograms_of(series)) {
            MIMIR_TRY(validate_time(sample.time, window_, series.labels));
            outcome_.newest_sample = std::max(outcome_.newest_sample, sample.time);
        }
        return {};
    }

    bool check_histograms(WriteSeries& series) {
        if (!limits_.native_histograms_ingestion_enabled) {
            discarded("native-histograms-disabled").samples += series.histogram_count;
            series.histogram_count = 0;
            changed(series);
            return series.sample_count > 0;
        }
        for (const model::HistogramSample& sample : request_.histograms_of(series)) {
            auto valid =
                std::visit([](const auto& one) { return model::validate(one); }, sample.histogram);
            if (valid) continue;
            refuse_series(series, std::move(valid.error()));
            return false;
        }
        return true;
    }

    void check_exemplars() {
        for (WriteSeries& series : request_.series) {
            const TimestampMs oldest = oldest_exemplar(series);
            std::uint32_t kept = 0;
            for (std::uint32_t i = 0; i < series.exemplar_count; ++i) {
                model::Exemplar& exemplar = request_.exemplars[series.first_exemplar + i];
                if (!keep_exemplar(exemplar, series, oldest)) continue;
                model::Exemplar& to = request_.exemplars[series.first_exemplar + kept++];
                if (&to != &exemplar) to = std::move(exemplar);
            }
            if (kept != series.exemplar_count) changed(series);
            series.exemplar_count = kept;
            outcome_.exemplars += kept;
        }
    }

    bool keep_exemplar(
        const model::Exemplar& exemplar, const WriteSeries& series, TimestampMs oldest
    ) {
        if (limits_.max_global_exemplars_per_user == 0) return false;
        if (auto valid = validate_exemplar(exemplar, series.labels); !valid) {
            ++discarded(valid.error().id).exemplars;
            note(std::move(valid.error()));
            return false;
        }
        if (exemplar.time > window_.newest) {
            ++discarded("exemplar-too-far-in-future").exemplars;
            return false;
        }
        if (exemplar.time < oldest) {
            ++discarded("exemplar-too-old").exemplars;
            return false;
        }
        return true;
    }

    [[nodiscard]] TimestampMs oldest_exemplar(const WriteSeries& series) const {
        TimestampMs oldest = TimestampMs::max();
        for (const auto& sample : request_.samples_of(series))
            oldest = std::min(oldest, sample.time);
        for (const auto& sample : request_.histograms_of(series))
            oldest = std::min(oldest, sample.time);
        return oldest == TimestampMs::max() ? TimestampMs::min() : oldest - kExemplarAgeMax;
    }

    void check_metadata() {
        std::erase_if(request_.metadata, [&](model::MetricMetadata& metadata) {
            const std::size_t help_bytes = metadata.metadata.help.size();
            auto valid = validate_metadata(metadata, limits_);
            if (!valid || metadata.metadata.help.size() != help_bytes) request_.as_received = false;
            if (valid) return false;
            ++discarded(valid.error().id).metadata;
            note(std::move(valid.error()));
            return true;
        });
        outcome_.metadata = request_.metadata.size();
    }

    void refuse_series(const WriteSeries& series, Error error) {
        Discarded& discard = discarded(error.id);
        discard.samples += series.sample_count + series.histogram_count;
        discard.exemplars += series.exemplar_count;
        note(std::move(error));
    }

    /// The bytes received say something else than the series does from now on.
    void changed(WriteSeries& series) {
        series.received_bytes = 0;
        request_.as_received = false;
    }

    void note(Error error) {
        if (!outcome_.error) outcome_.error = finish(error);
    }

    Discarded& discarded(std::string_view id) {
        for (Discarded& one : outcome_.discarded) {
            if (one.id == id) return one;
        }
        return outcome_.discarded.emplace_back(Discarded{.id = id});
    }

    WriteRequest& request_;
    const config::Limits& limits_;
    const TimeWindow window_;
    KnownSeries& known_;
    const KnownSeries::Reader known_reader_;
    ValidationOutcome outcome_;
    std::vector<model::Label> labels_;
    std::vector<TimestampMs> seen_times_;  // sorted
};

}  // namespace

Result<ValidationOutcome> validate_request(
    WriteRequest& request, const config::Limits& limits, TimestampMs now, KnownSeries& known
) {
    return Validator(request, limits, now, known).run();
}

}  // namespace mimir::distributor
