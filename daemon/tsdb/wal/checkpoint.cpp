#include "tsdb/wal/checkpoint.hpp"

#include <vector>

#include "tsdb/wal/segment_reader.hpp"
#include "tsdb/wal/wal.hpp"
#include "tsdb/wal/wal_files.hpp"

namespace mimir::tsdb {
namespace {

/// Copies the wanted part of records into a log of its own, many records a write.
class CheckpointWriter {
  public:
    CheckpointWriter(Wal& target, const CheckpointOptions& options)
        : target_(target), options_(options) {}

    Result<void> copy_segment(const fs::FileSystem& files, const fs::Path& path) {
        MIMIR_TRY(auto reader, SegmentReader::open(files, path));
        while (true) {
            const auto record = reader.next();
            if (!record && record.error().kind == ErrorKind::corrupt) return {};
            if (!record) return tl::unexpected(record.error());
            if (!*record) return {};
            copy(**record);
            if (bytes_ >= kBatchBytes) MIMIR_TRY(flush());
        }
    }

    Result<void> flush() {
        if (records_.empty()) return {};
        MIMIR_TRY(target_.log(std::vector<std::string_view>(records_.begin(), records_.end())));
        records_.clear();
        bytes_ = 0;
        return {};
    }

  private:
    static constexpr std::size_t kBatchBytes = 1 << 20;

    void copy(std::string_view record) {
        switch (record_type(record)) {
            case RecordType::series: return copy_series(record);
            case RecordType::samples: return copy_samples(record);
            case RecordType::exemplars: return copy_exemplars(record);
            case RecordType::histograms:
            case RecordType::float_histograms:
            case RecordType::custom_histograms:
            case RecordType::custom_float_histograms: return copy_histograms(record);
            case RecordType::tombstones:
            case RecordType::mmap_markers:
            case RecordType::metadata: return;  // not of the head: nothing here reads them
        }
        keep(record);  // written by a later version, which will know
    }

    void copy_series(std::string_view record) {
        SeriesRecord kept;
        decode_series(record, [&](WalRef ref, model::LabelsView labels) {
            if (options_.keep_series(ref)) kept.add(ref, labels);
        });
        keep(kept.bytes());
    }
    void copy_samples(std::string_view record) {
        samples_.clear();
        decode_samples(record, [&](WalRef ref, TimestampMs time, double value) {
            if (wanted(ref, time)) samples_.add(ref, time, value);
        });
        keep(samples_.bytes());
    }
    void copy_exemplars(std::string_view record) {
        ExemplarRecord kept;
        decode_exemplars(record, [&](WalRef ref, const model::Exemplar& exemplar) {
            if (wanted(ref, exemplar.time)) kept.add(ref, exemplar);
        });
        keep(kept.bytes());
    }
    void copy_histograms(std::string_view record) {
        HistogramRecord kept(record_type(record));
        decode_histograms(record, [&](WalRef ref, const model::HistogramSample& sample) {
            if (wanted(ref, sample.time)) kept.add(ref, sample);
        });
        keep(kept.bytes());
    }

    [[nodiscard]] bool wanted(WalRef ref, TimestampMs time) const {
        return time >= options_.min_time && options_.keep_series(ref);
    }
    void keep(std::string_view record) {
        if (record.empty()) return;
        records_.emplace_back(record);
        bytes_ += record.size();
    }

    Wal& target_;
    const CheckpointOptions& options_;
    SampleRecord samples_;
    std::vector<std::string> records_;
    std::size_t bytes_ = 0;
};

Result<void> copy_all(
    const fs::FileSystem& files,
    const fs::Path& wal_dir,
    const CheckpointOptions& options,
    CheckpointWriter& writer
) {
    MIMIR_TRY(const auto contents, list_wal(files, wal_dir));
    for (const WalSegment& segment : contents.checkpoint_segments) {
        MIMIR_TRY(writer.copy_segment(files, segment.path));
    }
    for (const WalSegment& segment : contents.segments) {
        if (segment.number > options.through) break;
        MIMIR_TRY(writer.copy_segment(files, segment.path));
    }
    return writer.flush();
}

constexpr std::string_view kUnfinishedSuffix = ".tmp";

/// What a crash left of attempts.
Result<void> remove_unfinished(fs::FileSystem& files, const fs::Path& wal_dir) {
    MIMIR_TRY(const auto entries, files.list(wal_dir));
    for (const fs::DirectoryEntry& entry : entries) {
        if (!entry.is_directory || !entry.name.ends_with(kUnfinishedSuffix)) continue;
        MIMIR_TRY(files.remove_all(wal_dir / entry.name));
    }
    return {};
}

Result<void> remove_older_checkpoints(
    fs::FileSystem& files, const fs::Path& wal_dir, std::uint32_t newest
) {
    MIMIR_TRY(const auto checkpoints, list_checkpoints(files, wal_dir));
    for (const WalCheckpoint& checkpoint : checkpoints) {
        if (checkpoint.through < newest) MIMIR_TRY(files.remove_all(checkpoint.path));
    }
    return {};
}

}  // namespace

Result<void> write_checkpoint(
    fs::FileSystem& files, const fs::Path& wal_dir, const CheckpointOptions& options
) {
    const fs::Path path = wal_dir / checkpoint_name(options.through);
    fs::Path unfinished = path;
    unfinished += kUnfinishedSuffix;
    MIMIR_TRY(remove_unfinished(files, wal_dir));
    {
        MIMIR_TRY(auto target, Wal::open(files, unfinished, {.sync = WalSync::interval}));
        CheckpointWriter writer(*target, options);
        MIMIR_TRY(copy_all(files, wal_dir, options, writer));
        MIMIR_TRY(target->sync());
    }
    MIMIR_TRY(files.rename(unfinished, path));
    MIMIR_TRY(files.sync_dir(wal_dir));
    return remove_older_checkpoints(files, wal_dir, options.through);
}

}  // namespace mimir::tsdb
