#include "tsdb/wal/wal.hpp"

#include <map>
#include <thread>

#include "encoding/compression.hpp"
#include "fs/faulty_file_system.hpp"
#include "support/test_support.hpp"
#include "tsdb/wal/framing.hpp"
#include "tsdb/wal/segment_reader.hpp"
#include "tsdb/wal/wal_files.hpp"

namespace mimir::tsdb {
namespace {

const fs::Path kDir = "/tenant/wal";

std::unique_ptr<Wal> open_wal(fs::FileSystem& files, WalOptions options = {}) {
    auto wal = Wal::open(files, kDir, options);
    REQUIRE_OK(wal);
    return *std::move(wal);
}

Result<void> log(Wal& wal, const std::vector<std::string>& records) {
    return wal.log(std::vector<std::string_view>(records.begin(), records.end()));
}

/// All whole records of one segment; `error` says why the last one was not.
std::vector<std::string> read_segment(
    const fs::FileSystem& files,
    const fs::Path& path,
    Error* error = nullptr,
    std::uint64_t* good_end = nullptr
) {
    std::vector<std::string> records;
    auto reader = SegmentReader::open(files, path);
    REQUIRE_OK(reader);
    while (true) {
        const auto record = reader->next();
        if (good_end != nullptr) *good_end = reader->good_end();
        if (!record && error != nullptr) *error = record.error();
        if (!record || !*record) return records;
        records.emplace_back(**record);
    }
}

std::vector<std::string> read_log(const fs::FileSystem& files) {
    std::vector<std::string> records;
    const auto segments = list_segments(files, kDir);
    REQUIRE_OK(segments);
    for (const WalSegment& segment : *segments) {
        for (std::string& record : read_segment(files, segment.path)) {
            records.push_back(std::move(record));
        }
    }
    return records;
}

std::string random_record(Random& random, std::size_t bytes) {
    std::string record;
    while (record.size() < bytes) record.push_back(static_cast<char>(random.next()));
    return record;
}

TEST_SUITE("tsdb/wal") {
    TEST_CASE("records of any size come back, wherever on a page they begin") {
        auto random = test::seeded_random();
        fs::MemoryFileSystem files;
        auto wal = open_wal(files);
        std::vector<std::string> expected;
        // Ends near, at and behind the end of a page; some records span pages.
        for (int i = 0; i < 200; ++i) {
            const std::size_t bytes = i % 3 == 0   ? kWalPageBytes - 20 + random.below(40)
                                      : i % 3 == 1 ? 1 + random.below(100)
                                                   : random.below(90'000);
            expected.push_back(random_record(random, std::max<std::size_t>(bytes, 1)));
            REQUIRE_OK(log(*wal, {expected.back()}));
        }
        CHECK(read_log(files) == expected);
        CHECK(wal->segments() == SegmentRange{0, 0});
    }

    TEST_CASE(
        "a segment ends before the record that does not fit, and an oversized record has its own"
    ) {
        fs::MemoryFileSystem files;
        auto wal = open_wal(files, {.segment_bytes = 1000});
        const std::vector<std::string> expected{
            std::string(600, 'a'),
            std::string(600, 'b'),
            std::string(5000, 'c'),
            std::string(10, 'd')
        };
        for (const std::string& record : expected) REQUIRE_OK(log(*wal, {record}));
        CHECK(wal->segments() == SegmentRange{0, 3});
        CHECK(read_log(files) == expected);
        wal.reset();
        wal = open_wal(files);
        CHECK(wal->segments() == SegmentRange{0, 4});
        REQUIRE_OK(wal->remove_segments_through(2));
        CHECK(wal->segments() == SegmentRange{3, 4});
        CHECK(read_log(files) == std::vector{expected[3]});
    }

    TEST_CASE("writers that come at the same time keep their records whole and in order") {
        fs::MemoryFileSystem files;
        auto wal = open_wal(files, {.sync = WalSync::always, .segment_bytes = 3000});
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 100; ++i) {
                    const auto name = fmt::format("{}-{}", t, i);
                    if (!log(*wal, {name + " first", name + " second"})) std::abort();
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        std::map<std::string, int> next;  // by thread
        const auto records = read_log(files);
        REQUIRE(records.size() == 800);
        for (std::size_t i = 0; i < records.size(); i += 2) {
            const std::string thread = records[i].substr(0, 1);
            const auto name = fmt::format("{}-{}", thread, next[thread]++);
            CHECK(records[i] == name + " first");
            CHECK(records[i + 1] == name + " second");
        }
    }

    TEST_CASE("a segment cut anywhere gives its whole records, and says where they end") {
        fs::MemoryFileSystem files;
        auto wal = open_wal(files);
        std::vector<std::uint64_t> ends{0};
        for (int i = 0; i < 5; ++i) {
            REQUIRE_OK(log(*wal, {std::string(static_cast<std::size_t>(i) * 30 + 1, 'x')}));
            ends.push_back(files.read_file(kDir / "00000000")->size());
        }
        const std::string whole = *files.read_file(kDir / "00000000");
        for (std::size_t size = 0; size < whole.size(); ++size) {
            CAPTURE(size);
            REQUIRE_OK(fs::write_file_atomically(files, "/cut", whole.substr(0, size)));
            Error error{.kind = ErrorKind::internal};
            std::uint64_t good_end = 0;
            const auto records = read_segment(files, "/cut", &error, &good_end);
            CHECK(good_end == ends[records.size()]);
            const bool torn = good_end != size;
            CHECK((error.kind == ErrorKind::corrupt) == torn);
            if (!torn) continue;
            REQUIRE_OK(repair_segment(files, {0, "/cut"}, good_end));
            CHECK(files.read_file("/cut")->size() == good_end);
            CHECK(files.read_file("/cut.damaged")->size() == size - good_end);
        }
    }

    TEST_CASE("zeros behind the last record are its end, not damage") {
        fs::MemoryFileSystem files;
        auto wal = open_wal(files);
        REQUIRE_OK(log(*wal, {"record"}));
        std::string content = *files.read_file(kDir / "00000000");
        content.resize(3 * kWalPageBytes);
        REQUIRE_OK(fs::write_file_atomically(files, "/padded", content));
        Error error{.kind = ErrorKind::internal};
        CHECK(read_segment(files, "/padded", &error) == std::vector<std::string>{"record"});
        CHECK(error.kind == ErrorKind::internal);
    }

    TEST_CASE("compressed records are read") {
        const std::string plain(1000, 'x');
        std::string packed;
        encoding::snappy_compress(plain, packed);
        std::string segment;
        append_framed(segment, 0, packed);
        segment[0] = static_cast<char>(segment[0] | kFragmentSnappy);
        fs::MemoryFileSystem files;
        REQUIRE_OK(fs::write_file_atomically(files, "/segment", segment));
        CHECK(read_segment(files, "/segment") == std::vector{plain});
    }

    TEST_CASE("with sync always, a power cut after any operation keeps what was acknowledged") {
        for (std::uint64_t n = 1; n < 60; ++n) {
            CAPTURE(n);
            fs::FaultyFileSystem files;
            std::vector<std::string> acknowledged;
            files.fail_from(n, {ErrorKind::internal, {}, "the power is gone"});
            auto wal = Wal::open(files, kDir, {.sync = WalSync::always, .segment_bytes = 200});
            for (int i = 0; wal && i < 20; ++i) {
                const std::string record(30, static_cast<char>('a' + i));
                if (!log(**wal, {record})) break;
                acknowledged.push_back(record);
            }
            files.power_cut();
            const auto found = files.exists(kDir) ? read_log(files) : std::vector<std::string>{};
            CHECK(found == acknowledged);
        }
    }

    TEST_CASE(
        "a write that was cut short is rolled back, and the log goes on behind the last good record"
    ) {
        for (std::size_t kept = 0; kept < 37; ++kept) {
            CAPTURE(kept);
            fs::FaultyFileSystem files;
            auto wal = open_wal(files);
            REQUIRE_OK(log(*wal, {"before"}));
            files.tear_append(1, kept);
            CHECK(!log(*wal, {std::string(30, 'x')}));
            REQUIRE_OK(log(*wal, {"after"}));
            CHECK(read_log(files) == std::vector<std::string>{"before", "after"});
        }
    }

    TEST_CASE("a failed sync takes the record back") {
        fs::FaultyFileSystem files;
        auto wal = open_wal(files, {.sync = WalSync::always});
        REQUIRE_OK(log(*wal, {"before"}));
        files.fail_operation(2, {ErrorKind::internal, {}, "no sync"});
        CHECK(!log(*wal, {"lost"}));
        REQUIRE_OK(log(*wal, {"after"}));
        CHECK(read_log(files) == std::vector<std::string>{"before", "after"});
    }
}

}  // namespace
}  // namespace mimir::tsdb
