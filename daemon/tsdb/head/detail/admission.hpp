#pragma once

// What one request carries from shard to shard.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/write_request.hpp"
#include "tsdb/head/head.hpp"
#include "tsdb/wal/records.hpp"

namespace mimir::tsdb::detail {

/// The records of a request: what it adds to the log.
class LogBuffer {
  public:
    SeriesRecord series;
    SampleRecord samples;
    ExemplarRecord exemplars;

    HistogramRecord& histograms_for(const model::HistogramSample& sample);
    void clear();
    /// In the order in which replay needs them; only those with content. Valid until the next call.
    std::span<const std::string_view> records();

  private:
    std::array<HistogramRecord, 4> histograms_ = {
        HistogramRecord(RecordType::histograms),
        HistogramRecord(RecordType::float_histograms),
        HistogramRecord(RecordType::custom_histograms),
        HistogramRecord(RecordType::custom_float_histograms)
    };
    std::vector<std::string_view> records_;
};

/// A series whose samples passed the check: it is to be applied, or released when logging fails.
struct StagedSeries {
    std::uint32_t index = 0;  // in the request
    std::uint32_t slot = 0;
    WalRef ref = 0;
};

/// Counts and describes what was refused.
class Refusals {
  public:
    explicit Refusals(AppendOutcome& outcome) : outcome_(outcome) {}
    void add(Refusal reason, TimestampMs time, model::LabelsView labels);
    void add_series_limit(std::size_t limit, std::uint32_t samples);

  private:
    static constexpr std::size_t kErrorsMax = 3;
    void count(Refusal reason, std::uint32_t samples) {
        outcome_.refused[static_cast<std::size_t>(reason)] += samples;
    }

    AppendOutcome& outcome_;
};

/// What shards share.
struct HeadCounters {
    std::atomic<std::size_t> series = 0;
    std::atomic<WalRef> last_ref = 0;
};

struct Admission {
    const model::WriteRequest& request;
    TimestampMs floor;  // older samples are refused
    std::size_t max_series;
    bool with_exemplars;
    HeadCounters& counters;
    LogBuffer& log;
    AppendOutcome& outcome;
    Refusals refusals{outcome};
    /// Of the samples to be stored; min > max as long as there are none.
    TimeRange times{TimestampMs::max(), TimestampMs::min()};

    void will_store(TimestampMs time) {
        times.min = std::min(times.min, time);
        times.max = std::max(times.max, time);
    }
};

/// What becomes of a sample.
enum class Verdict : std::uint8_t { store, same_again, out_of_order, duplicate_timestamp, too_old };

}  // namespace mimir::tsdb::detail
