// A segment of the log from anywhere: reading it ends, each record's decoder ends, and what decodes can be written.

#include "base/assert.hpp"
#include "fs/memory_file_system.hpp"
#include "tsdb/wal/records.hpp"
#include "tsdb/wal/segment_reader.hpp"
#include "tsdb/wal/wal_files.hpp"

namespace {

using namespace mimir;
using namespace mimir::tsdb;

void decode_samples_twice(std::string_view record) {
    std::vector<std::pair<WalRef, TimestampMs>> found;
    SampleRecord again;
    decode_samples(record, [&](WalRef ref, TimestampMs time, double value) {
        again.add(ref, time, value);
        found.emplace_back(ref, time);
    });
    std::size_t next = 0;
    if (again.empty()) return;
    const bool good = decode_samples(again.bytes(), [&](WalRef ref, TimestampMs time, double) {
        MIMIR_ASSERT((found[next++] == std::pair{ref, time}), "what was decoded can be written");
    });
    MIMIR_ASSERT(good && next == found.size(), "what was decoded can be written");
}

void decode_any(std::string_view record) {
    if (record.empty()) return;
    static_cast<void>(decode_series(record, [](WalRef, model::LabelsView labels) {
        static_cast<void>(labels.hash());
        MIMIR_ASSERT(labels.to_string().size() >= 2, "labels are canonical");
    }));
    decode_samples_twice(record);
    static_cast<void>(decode_exemplars(record, [](WalRef, const model::Exemplar&) {}));
    static_cast<void>(decode_histograms(record, [](WalRef ref, const model::HistogramSample& one) {
        HistogramRecord again(HistogramRecord::type_for(one));
        again.add(ref, one);
    }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    decode_any(bytes);
    fs::MemoryFileSystem files;
    MIMIR_ASSERT(fs::write_file_atomically(files, "/00000000", bytes).has_value(), "in memory");
    auto reader = SegmentReader::open(files, "/00000000");
    MIMIR_ASSERT(reader.has_value(), "in memory");
    while (true) {
        const auto record = reader->next();
        if (record && !*record) return 0;
        if (!record) {
            MIMIR_ASSERT(record.error().kind == ErrorKind::corrupt, "damage is corrupt");
            MIMIR_ASSERT(reader->good_end() <= size, "within the file");
            return 0;
        }
        decode_any(**record);
    }
}
