#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "model/write_request.hpp"
#include "tsdb/head/detail/head_shard.hpp"

namespace mimir::tsdb::detail {

/// A piece of the log for one worker, in the log's order: first the series, then samples or histograms, not both.
/// Series are numbered as they come to the worker, from 0.
struct ReplayBatch {
    struct Series {
        HeadShard* shard;
        WalRef ref;
        model::LabelsHash hash;
        std::uint32_t labels_bytes;  // in `labels`, behind those before
    };
    struct Sample {
        std::uint32_t series;
        TimestampMs time;
        double value;
    };
    struct Histogram {
        std::uint32_t series;
        model::HistogramSample sample;
    };
    std::vector<Series> series;
    std::string labels;
    std::vector<Sample> samples;
    std::vector<Histogram> histograms;

    void clear();
    [[nodiscard]] bool empty() const {
        return series.empty() && samples.empty() && histograms.empty();
    }
};

struct ReplayedChunk {
    WalRef ref = 0;
    StoredChunk chunk;
};

/// Applies batches to the shards that are its own: on a thread of its own, or at once.
class ReplayWorker {
  public:
    enum class Mode { threaded, inline_ };
    struct Place {
        HeadShard* shard = nullptr;
        std::uint32_t slot = 0;
    };

    /// `chunks`: of all chunk files, sorted by ref.
    ReplayWorker(Mode mode, const std::vector<ReplayedChunk>& chunks);
    ~ReplayWorker();

    /// Takes the batch's content, and leaves an empty one. Waits while too much is waiting already.
    void submit(ReplayBatch& batch);
    /// Returns when all is applied; nothing may be submitted afterwards.
    void finish();

    // After finish().
    [[nodiscard]] Place place(std::uint32_t series) const { return places_[series]; }
    [[nodiscard]] std::uint64_t samples() const { return samples_; }
    [[nodiscard]] std::uint64_t chunks() const { return chunks_taken_; }

  private:
    void run();
    void apply(const ReplayBatch& batch);
    void apply_series(const ReplayBatch& batch);
    void apply_samples(const ReplayBatch& batch);

    const std::vector<ReplayedChunk>& chunks_;
    std::vector<Place> places_;  // by series
    std::uint64_t samples_ = 0;
    std::uint64_t chunks_taken_ = 0;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<ReplayBatch> waiting_;
    std::vector<ReplayBatch> spare_;
    bool finished_ = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace mimir::tsdb::detail
