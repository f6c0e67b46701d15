// What a head does before it takes its first sample: chunk files first, so that of the log only what is newer has to
// be encoded again; then the log, decoded here and applied by workers, each with its own shards.

#include <algorithm>
#include <chrono>
#include <deque>
#include <tuple>

#include "base/assert.hpp"
#include "tsdb/head/detail/head_state.hpp"
#include "tsdb/head/detail/ref_map.hpp"
#include "tsdb/head/detail/replay_worker.hpp"
#include "tsdb/wal/records.hpp"
#include "tsdb/wal/segment_reader.hpp"
#include "tsdb/wal/wal_files.hpp"

namespace mimir::tsdb::detail {
namespace {

class Replayer {
  public:
    Replayer(HeadState& state, const std::vector<ReplayedChunk>& chunks)
        : state_(state), chunks_(chunks) {
        // Nobody else knows the shards yet, so that workers need not lock them for each batch.
        for (auto& shard : state.shards) {
            shards_.push_back(shard->with([](HeadShard& s) { return &s; }));
        }
        const std::size_t count =
            std::clamp<std::size_t>(state.options.replay_threads, 1, shards_.size());
        const auto mode = count > 1 ? ReplayWorker::Mode::threaded : ReplayWorker::Mode::inline_;
        for (std::size_t i = 0; i < count; ++i) {
            workers_.push_back(std::make_unique<ReplayWorker>(mode, chunks));
        }
        batches_.resize(count);
        series_counts_.resize(count);
    }

    Result<void> read(const fs::Path& wal_dir) {
        MIMIR_TRY(const auto contents, list_wal(state_.files, wal_dir));
        ReplayProgress progress;
        progress.segments_total = static_cast<std::uint32_t>(
            contents.checkpoint_segments.size() + contents.segments.size()
        );
        const auto done = [&] {
            ++progress.segments_done;
            if (state_.options.on_replay_progress) state_.options.on_replay_progress(progress);
        };
        for (const WalSegment& segment : contents.checkpoint_segments) {
            MIMIR_TRY(read_segment(segment, Kind::checkpoint));
            done();
        }
        std::uint32_t expected = contents.checkpoint ? contents.checkpoint->through + 1 : 0;
        for (const WalSegment& segment : contents.segments) {
            if (segment.number > expected) report_missing(expected, segment.number - 1);
            expected = segment.number + 1;
            MIMIR_TRY(read_segment(segment, Kind::log));
            done();
        }
        return {};
    }

    void finish() {
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            workers_[i]->submit(batches_[i]);
            workers_[i]->finish();
            state_.report.samples += workers_[i]->samples();
            state_.report.chunks += workers_[i]->chunks();
        }
        restore_exemplars();
    }

    [[nodiscard]] WalRef last_ref() const { return last_ref_; }

  private:
    enum class Kind { checkpoint, log };
    static constexpr std::size_t kBatchSamples = 4096;
    static constexpr std::size_t kBatchSeries = 256;

    Result<void> read_segment(const WalSegment& segment, Kind kind) {
        MIMIR_TRY(auto reader, SegmentReader::open(state_.files, segment.path));
        while (true) {
            const auto record = reader.next();
            if (record && !*record) return {};
            if (record) {
                if (take(**record)) continue;
                state_.report.damages.push_back(fmt::format(
                    "log {}: a malformed record before byte {}; skipped",
                    segment.path.native(),
                    reader.good_end()
                ));
                continue;
            }
            if (record.error().kind != ErrorKind::corrupt) return tl::unexpected(record.error());
            return repair(segment, kind, reader.good_end(), record.error());
        }
    }

    Result<void> repair(
        const WalSegment& segment, Kind kind, std::uint64_t good_end, const Error& error
    ) {
        std::string_view remedy = "the rest of it is skipped";
        // Unless it can't be mended now: then the next start finds the same, and says so again.
        if (kind == Kind::log && repair_segment(state_.files, segment, good_end)) {
            remedy = "the rest of it is set aside";
        }
        state_.report.damages.push_back(
            fmt::format("log {}: {}; {}", segment.path.native(), error.message, remedy)
        );
        return {};
    }

    void report_missing(std::uint32_t first, std::uint32_t last) {
        state_.report.damages.push_back(
            fmt::format("log: segments {:08} to {:08} are missing", first, last)
        );
    }

    /// False when the record is malformed.
    bool take(std::string_view record) {
        switch (record_type(record)) {
            case RecordType::series: return take_series(record);
            case RecordType::samples: return take_samples(record);
            case RecordType::histograms:
            case RecordType::float_histograms:
            case RecordType::custom_histograms:
            case RecordType::custom_float_histograms: return take_histograms(record);
            case RecordType::exemplars: return take_exemplars(record);
            case RecordType::tombstones:
            case RecordType::mmap_markers:
            case RecordType::metadata: return true;
        }
        ++state_.report.unknown_records;
        return true;
    }

    bool take_series(std::string_view record) {
        return decode_series(record, [&](WalRef ref, model::LabelsView labels) {
            const model::LabelsHash hash = labels.hash();
            const std::size_t shard = state_.shard_of(hash);
            const std::size_t worker = shard % workers_.size();
            refs_.set(ref, add_known(ref, worker));
            last_ref_ = std::max(last_ref_, ref);
            ReplayBatch& batch = batches_[worker];
            batch.series.push_back({
                .shard = shards_[shard],
                .ref = ref,
                .hash = hash,
                .labels_bytes = static_cast<std::uint32_t>(labels.bytes().size()),
            });
            batch.labels += labels.bytes();
            if (batch.series.size() >= kBatchSeries) workers_[worker]->submit(batch);
        });
    }

    bool take_samples(std::string_view record) {
        const TimestampMs min_time = state_.options.min_valid_time;
        return decode_samples(record, [&](WalRef ref, TimestampMs time, double value) {
            if (time < min_time) return;
            Known* const series = find_known(ref);
            if (series == nullptr || !series->wants(time)) return;
            ReplayBatch& batch = batches_[series->worker];
            if (!batch.histograms.empty()) [[unlikely]]
                workers_[series->worker]->submit(batch);
            batch.samples.push_back({series->number, time, value});
            if (batch.samples.size() >= kBatchSamples) workers_[series->worker]->submit(batch);
        });
    }

    bool take_histograms(std::string_view record) {
        const TimestampMs min_time = state_.options.min_valid_time;
        return decode_histograms(record, [&](WalRef ref, model::HistogramSample&& sample) {
            if (sample.time < min_time) return;
            Known* const series = find_known(ref);
            if (series == nullptr || !series->wants(sample.time)) return;
            ReplayBatch& batch = batches_[series->worker];
            if (!batch.samples.empty()) workers_[series->worker]->submit(batch);
            batch.histograms.push_back({series->number, std::move(sample)});
            if (batch.histograms.size() >= kBatchSeries) workers_[series->worker]->submit(batch);
        });
    }

    /// Kept until the series are there; only as many as the ring takes.
    bool take_exemplars(std::string_view record) {
        const std::size_t max = state_.options.max_exemplars;
        if (max == 0) return true;
        return decode_exemplars(record, [&](WalRef ref, model::Exemplar&& exemplar) {
            if (exemplars_.size() == max) exemplars_.pop_front();
            exemplars_.emplace_back(ref, std::move(exemplar));
        });
    }

    void restore_exemplars() {
        std::string labels;
        state_.exemplars.with([&](ExemplarRing& ring) {
            for (const auto& [ref, exemplar] : exemplars_) {
                const std::uint32_t known = refs_.find(ref);
                if (known == RefMap::kNone) continue;
                const auto place = workers_[known_[known].worker]->place(known_[known].number);
                labels.clear();
                place.shard->append_labels(place.slot, labels);
                const auto view = model::LabelsView::from_canonical(labels);
                ring.add(view, place.shard->series(place.slot).hash, exemplar);
            }
        });
    }

    /// A series as the log knows it.
    struct Known {
        std::uint32_t worker;
        std::uint32_t number;  // at its worker
        /// Of its chunks in files, which hold it without gaps from the first one on.
        TimeRange in_files{TimestampMs::max(), TimestampMs::min()};

        /// Whether the sample has to be taken from the log. A chunk's last one has, for its value.
        bool wants(TimestampMs time) {
            if (time >= in_files.max) [[likely]]
                return true;
            if (time >= in_files.min) return false;
            // The first files are lost. The shard drops what it has from the others when it sees this sample.
            in_files.max = TimestampMs::min();
            return true;
        }
    };

    /// Null, and counted, when no record said what the number stands for.
    Known* find_known(WalRef ref) {
        const std::uint32_t known = refs_.find(ref);
        if (known != RefMap::kNone) [[likely]]
            return &known_[known];
        ++state_.report.unknown_series;
        return nullptr;
    }

    /// Enters a series; returns its index in known_.
    std::uint32_t add_known(WalRef ref, std::size_t worker) {
        Known series{
            .worker = static_cast<std::uint32_t>(worker), .number = series_counts_[worker]++
        };
        const auto own = std::ranges::equal_range(chunks_, ref, {}, &ReplayedChunk::ref);
        if (!own.empty()) series.in_files = {own.front().chunk.min, own.back().chunk.max()};
        known_.push_back(series);
        return static_cast<std::uint32_t>(known_.size() - 1);
    }

    HeadState& state_;
    const std::vector<ReplayedChunk>& chunks_;
    std::vector<HeadShard*> shards_;
    std::vector<std::unique_ptr<ReplayWorker>> workers_;
    std::vector<ReplayBatch> batches_;          // by worker
    std::vector<std::uint32_t> series_counts_;  // by worker
    RefMap refs_;                               // to indices of known_
    std::vector<Known> known_;
    WalRef last_ref_ = 0;
    std::deque<std::pair<WalRef, model::Exemplar>> exemplars_;
};

void count_series(HeadState& state) {
    TimeRange times{TimestampMs::max(), TimestampMs::min()};
    for (auto& guarded : state.shards) {
        guarded->with([&](const HeadShard& shard) {
            state.counters.series += shard.series_count();
            const TimeRange own = shard.times();
            times = {std::min(times.min, own.min), std::max(times.max, own.max)};
        });
    }
    state.cover(times);
    state.report.series = state.counters.series;
}

}  // namespace

Result<void> replay(HeadState& state) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<ReplayedChunk> chunks;
    WalRef last_ref = 0;
    MIMIR_TRY(
        state.chunk_files,
        ChunkFiles::open(
            state.files,
            state.dir / "chunks_head",
            {.block_bytes = state.options.chunk_write_buffer_bytes},
            [&](WalRef ref, const StoredChunk& chunk) {
                last_ref = std::max(last_ref, ref);
                if (chunk.max() >= state.options.min_valid_time) chunks.push_back({ref, chunk});
            },
            state.report.damages
        )
    );
    std::ranges::sort(chunks, {}, [](const ReplayedChunk& one) {
        return std::tuple{one.ref, std::uint32_t{one.chunk.file}, one.chunk.offset};
    });
    for (std::uint32_t i = 0; i < state.options.shard_count; ++i) {
        state.shards.push_back(
            std::make_unique<Guarded<HeadShard>>(state.options.block_range, *state.chunk_files)
        );
    }
    const fs::Path wal_dir = state.dir / "wal";
    Replayer replayer(state, chunks);
    MIMIR_TRY(replayer.read(wal_dir));
    replayer.finish();
    state.counters.last_ref = std::max(last_ref, replayer.last_ref());
    count_series(state);
    MIMIR_TRY(state.wal, Wal::open(state.files, wal_dir, state.options.wal));
    state.report.took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start
    );
    return {};
}

}  // namespace mimir::tsdb::detail
