#include "tsdb/db.hpp"

#include <thread>

#include "block_test_support.hpp"
#include "fs/faulty_file_system.hpp"
#include "fs/memory_file_system.hpp"
#include "tsdb/block/block_writer.hpp"

namespace mimir::tsdb {
namespace {

using namespace test_support;
using std::chrono::hours;
using std::chrono::milliseconds;

TEST_SUITE_BEGIN("tsdb/db");

const fs::Path kDir = "/tenant";
constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kStart = 400'000 * kHour;  // a multiple of two hours

/// A tenant's storage on some file system, and what it needs to live.
struct Storage {
    explicit Storage(fs::FileSystem& file_system) : files(file_system) {}

    Result<void> open() {
        db.reset();
        // Names must be new after a crash too.
        MIMIR_TRY(
            db, Tsdb::open({files, clock, metrics, telemetry::Logger(), ++opens}, kDir, options)
        );
        return {};
    }
    Result<void> append(const Dataset& data) {
        model::WriteRequest request;
        for (const auto& [labels, samples] : data) {
            request.series.push_back({
                .labels = labels.view(),
                .hash = labels.hash(),
                .first_sample = static_cast<std::uint32_t>(request.samples.size()),
                .sample_count = static_cast<std::uint32_t>(samples.size()),
                .canonical = true,
            });
            for (const auto& [time, value] : samples) request.samples.push_back({{time}, value});
        }
        MIMIR_TRY(const AppendOutcome outcome, db->append(request, {}));
        if (outcome.samples != request.samples.size()) {
            return fail(
                ErrorKind::invalid,
                "{} samples of {} were taken",
                outcome.samples,
                request.samples.size()
            );
        }
        return {};
    }
    Result<Dataset> read(const model::Matchers& matchers = {}, TimeRange range = kAllTime) {
        MIMIR_TRY(const auto set, db->select(matchers, range));
        MIMIR_TRY(auto data, read_dataset(*set, range));
        std::erase_if(data, [](const auto& series) { return series.second.empty(); });
        return data;
    }
    double counted(telemetry::Counter& counter) const { return counter.value(); }

    fs::FileSystem& files;
    test::ManualClock clock{{kStart}};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    TsdbOptions options;
    std::uint64_t opens = 0;
    std::unique_ptr<Tsdb> db;
};

/// One sample a minute for each of `series` series, in [from, to) hours after the start.
Dataset hours_of_data(double from, double to, int series = 5) {
    Dataset data;
    for (int i = 0; i < series; ++i) {
        const std::string pod = std::to_string(i);
        Samples& samples = data[model::Labels{{model::kMetricName, "up"}, {"pod", pod}}];
        const auto end = kStart + static_cast<std::int64_t>(to * kHour);
        for (auto time = kStart + static_cast<std::int64_t>(from * kHour); time < end;
             time += 60'000) {
            samples[time] = static_cast<double>(time % 1'000'003) + i;
        }
    }
    return data;
}

std::vector<std::string> names_in(const fs::FileSystem& files, const fs::Path& dir) {
    std::vector<std::string> names;
    const auto entries = files.list(dir);
    REQUIRE_OK(entries);
    for (const fs::DirectoryEntry& entry : *entries) names.push_back(entry.name);
    return names;
}

TEST_CASE("a head that spans three hours stays; one that spans more gives a block of two hours") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    REQUIRE_OK(storage.open());
    REQUIRE_OK(storage.append(hours_of_data(0, 3)));
    REQUIRE_OK(storage.db->compact());
    CHECK(storage.db->blocks().empty());

    REQUIRE_OK(storage.append(hours_of_data(3, 3.1)));
    REQUIRE_OK(storage.db->compact());
    const auto blocks = storage.db->blocks();
    REQUIRE(blocks.size() == 1);
    CHECK(blocks[0].min_time == TimestampMs{kStart});
    CHECK(blocks[0].max_time == TimestampMs{kStart + 2 * kHour});
    CHECK(blocks[0].stats.samples == 5 * 120);
    CHECK(storage.db->head().min_time() >= TimestampMs{kStart + 2 * kHour});
    CHECK(storage.read().value() == hours_of_data(0, 3.1));
    CHECK(storage.metrics.compactions.value() == 1);
}

TEST_CASE("late data makes as many blocks as it spans") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    REQUIRE_OK(storage.open());
    REQUIRE_OK(storage.append(hours_of_data(1, 9)));
    REQUIRE_OK(storage.db->compact());
    std::vector<std::int64_t> starts;
    for (const BlockMeta& block : storage.db->blocks())
        starts.push_back((block.min_time.ms - kStart) / kHour);
    CHECK(starts == std::vector<std::int64_t>{0, 2, 4});
    CHECK(storage.read().value() == hours_of_data(1, 9));
}

TEST_CASE("head and blocks answer as one, and so they do after a restart") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    REQUIRE_OK(storage.open());
    const Dataset data = hours_of_data(0, 5);
    REQUIRE_OK(storage.append(data));
    REQUIRE_OK(storage.db->compact());
    REQUIRE_OK(storage.append({{test::labels("late{zone=\"z\"}"), {{kStart + 5 * kHour, 1.0}}}}));
    const Dataset all =
        united(data, {{test::labels("late{zone=\"z\"}"), {{kStart + 5 * kHour, 1.0}}}});
    for (int restart = 0; restart < 2; ++restart) {
        CHECK(storage.read().value() == all);
        const model::Matchers one = {model::Matcher::equal("pod", "3")};
        const TimeRange middle{{kStart + kHour}, {kStart + 3 * kHour}};
        CHECK(storage.read(one, middle).value() == filtered(all, one, middle));
        const TimeRange ever = kAllTime;
        CHECK(
            storage.db->label_names({}, ever).value() ==
            std::vector<std::string>{"__name__", "pod", "zone"}
        );
        CHECK(
            storage.db->label_values("__name__", {}, ever).value() ==
            std::vector<std::string>{"late", "up"}
        );
        CHECK(storage.db->label_values("pod", one, ever).value() == std::vector<std::string>{"3"});
        const model::Matchers selectors[] = {one, {model::Matcher::equal("__name__", "up")}};
        const auto series = storage.db->series(selectors, ever);
        REQUIRE_OK(series);
        CHECK(series->size() == 5);
        REQUIRE_OK(storage.open());
    }
}

TEST_CASE("a flush leaves nothing in the head, and what comes after it goes to the next block") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    REQUIRE_OK(storage.open());
    REQUIRE_OK(storage.append(hours_of_data(0, 2.5)));
    REQUIRE_OK(storage.db->flush());
    CHECK(storage.db->blocks().size() == 2);
    CHECK(storage.db->head().series_count() == 0);
    CHECK(storage.read().value() == hours_of_data(0, 2.5));

    REQUIRE_OK(storage.append(hours_of_data(2.5, 3)));
    REQUIRE_OK(storage.db->flush());
    REQUIRE_OK(storage.db->flush());
    const auto blocks = storage.db->blocks();
    REQUIRE(blocks.size() == 3);
    CHECK(blocks[1].max_time <= blocks[2].min_time);
    CHECK(storage.read().value() == hours_of_data(0, 3));
    REQUIRE_OK(storage.open());
    CHECK(storage.read().value() == hours_of_data(0, 3));
}

TEST_CASE("flushing an empty storage does nothing") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    REQUIRE_OK(storage.open());
    REQUIRE_OK(storage.db->flush());
    REQUIRE_OK(storage.db->compact());
    CHECK(storage.db->blocks().empty());
}

TEST_CASE("full windows are merged into the ranges asked for") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    storage.options.merge_ranges = {hours(4)};
    REQUIRE_OK(storage.open());
    const Dataset data = hours_of_data(0, 8);
    REQUIRE_OK(storage.append(data));
    REQUIRE_OK(storage.db->compact());
    const auto blocks = storage.db->blocks();
    REQUIRE(blocks.size() == 2);
    CHECK(blocks[0].origin.level == 2);
    CHECK(blocks[0].max_time == TimestampMs{kStart + 4 * kHour});
    CHECK(blocks[1].origin.level == 1);
    CHECK(storage.read().value() == data);
    CHECK(storage.metrics.blocks_deleted.value() == 2);
}

TEST_CASE("blocks are deleted when they are older than the retention, counted from their writing") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    REQUIRE_OK(storage.open());
    REQUIRE_OK(storage.append(hours_of_data(0, 4)));
    REQUIRE_OK(storage.db->compact());
    storage.clock.advance(hours(13));
    REQUIRE_OK(storage.db->compact());
    REQUIRE(storage.db->blocks().size() == 1);
    const auto reading = storage.db->select({}, kAllTime);
    storage.clock.advance(milliseconds(1));
    REQUIRE_OK(storage.db->compact());
    CHECK(storage.db->blocks().empty());
    CHECK(storage.read().value() == hours_of_data(2, 4));
    // Who was reading goes on.
    CHECK(read_dataset(**reading, kAllTime).value() == hours_of_data(0, 4));
}

TEST_CASE("a folder can be open once") {
    fs::MemoryFileSystem files;
    Storage first(files);
    Storage second(files);
    REQUIRE_OK(first.open());
    CHECK(second.open().error().kind == ErrorKind::conflict);
}

TEST_CASE("what half-done work left is removed, and what is damaged is set aside") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    REQUIRE_OK(storage.open());
    REQUIRE_OK(storage.append(hours_of_data(0, 6)));
    REQUIRE_OK(storage.db->compact());
    REQUIRE(storage.db->blocks().size() == 2);
    const std::string damaged = storage.db->blocks()[0].ulid.str();
    storage.db.reset();
    for (const char* name : {".tmp-for-creation", ".tmp-for-deletion"}) {
        REQUIRE_OK(files.create_directories(kDir / (ulid(1).str() + name) / "chunks"));
    }
    REQUIRE_OK(files.create_directories(kDir / ulid(2).str()));  // without a meta.json
    const auto index = files.read_file(kDir / damaged / "index");
    auto file = files.open_writable(kDir / damaged / "index", fs::FileSystem::OpenMode::truncate);
    REQUIRE_OK((*file)->append(std::string_view(*index).substr(0, index->size() / 2)));

    REQUIRE_OK(storage.open());
    CHECK(storage.db->blocks().size() == 1);
    CHECK(storage.metrics.blocks_quarantined.value() == 2);
    CHECK(storage.read().value() == hours_of_data(2, 6));
    std::vector<std::string> aside = {damaged, ulid(2).str()};
    std::sort(aside.begin(), aside.end());
    CHECK(names_in(files, kDir / "quarantine") == aside);
    for (const std::string& name : names_in(files, kDir))
        CHECK(name.find(".tmp-for") == std::string::npos);
}

TEST_CASE("blocks that were merged before a crash could delete them are deleted") {
    fs::MemoryFileSystem files;
    const Dataset data = hours_of_data(0, 4);
    REQUIRE_OK(write_block(files, kDir, ulid(1), data, kStart, kStart + 2 * kHour));
    REQUIRE_OK(write_block(files, kDir, ulid(2), data, kStart + 2 * kHour, kStart + 4 * kHour));
    const BlockWriter::Plan plan{
        ulid(3),
        {kStart},
        {kStart + 2 * kHour},
        {.level = 2, .sources = {ulid(1)}, .parents = {{ulid(1), {kStart}, {kStart + 2 * kHour}}}}
    };
    const auto writer = BlockWriter::create(files, kDir, plan);
    REQUIRE_OK(writer);
    const OwnedChunk chunk = make_chunk({{kStart, 1.0}});
    const chunkenc::ChunkView view = chunk.view();
    REQUIRE_OK((*writer)->add(test::labels("merged"), {&view, 1}));
    REQUIRE_OK((*writer)->finish());
    Storage storage(files);
    REQUIRE_OK(storage.open());
    std::vector<Ulid> names;
    for (const BlockMeta& block : storage.db->blocks()) names.push_back(block.ulid);
    CHECK(names == std::vector<Ulid>{ulid(3), ulid(2)});
    CHECK_FALSE(files.exists(kDir / ulid(1).str()));
}

TEST_CASE("blocks that overlap are merged, one with a damaged chunk once and not again") {
    fs::MemoryFileSystem files;
    const Dataset data = hours_of_data(0, 2);
    REQUIRE_OK(write_block(files, kDir, ulid(1), data, kStart, kStart + 2 * kHour));
    REQUIRE_OK(write_block(files, kDir, ulid(2), data, kStart + kHour, kStart + 2 * kHour));
    Storage storage(files);
    storage.options.retention = milliseconds(0);
    SUBCASE("whole") {
        REQUIRE_OK(storage.open());
        REQUIRE_OK(storage.db->compact());
        CHECK(storage.db->blocks().size() == 1);
        CHECK(storage.read().value() == data);
    }
    SUBCASE("damaged") {
        const fs::Path path = kDir / ulid(1).str() / "chunks/000001";
        std::string bytes = files.read_file(path).value();
        bytes.back() = static_cast<char>(bytes.back() ^ 1);
        auto file = files.open_writable(path, fs::FileSystem::OpenMode::truncate);
        REQUIRE_OK((*file)->append(bytes));
        REQUIRE_OK(storage.open());
        CHECK(storage.db->compact().error().kind == ErrorKind::corrupt);
        REQUIRE_OK(storage.db->compact());
        CHECK(storage.db->blocks().size() == 2);
        CHECK(storage.metrics.compactions_failed.value() == 1);
        CHECK(storage.read().error().kind == ErrorKind::corrupt);
    }
}

TEST_CASE("on a full disk nothing is lost, and old blocks are still deleted") {
    fs::FaultyFileSystem files;
    Storage storage(files);
    REQUIRE_OK(storage.open());
    REQUIRE_OK(storage.append(hours_of_data(0, 5)));
    files.set_free_bytes(300);
    CHECK(storage.db->compact().error().kind == ErrorKind::unavailable);
    CHECK(storage.metrics.compactions_failed.value() == 1);
    CHECK(storage.db->blocks().empty());
    CHECK(storage.read().value() == hours_of_data(0, 5));
    for (const std::string& name : names_in(files, kDir))
        CHECK(name.find(".tmp-for") == std::string::npos);
    files.heal();
    REQUIRE_OK(storage.db->compact());
    CHECK(storage.db->blocks().size() == 1);
    CHECK(storage.read().value() == hours_of_data(0, 5));
}

TEST_CASE(
    "a power cut at any time of cutting, merging and deleting loses nothing and doubles nothing"
) {
    SeededRandom random = test::seeded_random();
    const Dataset data = hours_of_data(0, 7.5, 2);
    std::uint64_t operations = 1;
    for (std::uint64_t n = 1; n <= operations; ++n) {
        CAPTURE(n);
        fs::FaultyFileSystem files;
        Storage storage(files);
        storage.options.merge_ranges = {hours(4)};
        storage.options.head.wal.sync = WalSync::always;
        REQUIRE_OK(storage.open());
        REQUIRE_OK(storage.append(data));
        const std::uint64_t before = files.operations();
        files.fail_from(n, Error{ErrorKind::internal, {}, "the disk is gone"});
        if (storage.db->compact()) {
            operations = files.operations() - before;
        } else {
            operations = std::max(operations, n + 1);
        }
        CHECK(storage.read().value() == data);  // also with the disk gone

        storage.db.reset();
        files.power_cut(random.below(2) == 0 ? &random : nullptr);
        REQUIRE_OK(storage.open());
        CHECK(storage.read().value() == data);
        REQUIRE_OK(storage.db->compact());
        CHECK(storage.read().value() == data);
        std::uint64_t samples_in_blocks = 0;
        for (const BlockMeta& block : storage.db->blocks())
            samples_in_blocks += block.stats.samples;
        CHECK(samples_in_blocks == 2 * 6 * 60);
        CHECK(storage.metrics.blocks_quarantined.value() == 0);
    }
    CHECK(operations > 40);
}

TEST_CASE("readers see every sample once while blocks are cut, merged and deleted") {
    fs::MemoryFileSystem files;
    Storage storage(files);
    storage.options.merge_ranges = {hours(4), hours(12)};
    storage.options.retention = milliseconds(0);
    REQUIRE_OK(storage.open());
    std::atomic<std::int64_t> acknowledged = 0;
    std::atomic<bool> ended = false;
    std::atomic<int> reads = 0;
    std::string problem;
    std::thread reader([&] {
        while (!ended || reads < 3) {
            const std::int64_t quarters = acknowledged;
            if (quarters == 0) continue;  // no series yet
            const auto read = storage.read({}, {{kStart}, {kStart + quarters * kHour / 4 - 1}});
            if (!read || *read != hours_of_data(0, static_cast<double>(quarters) / 4)) {
                problem = read ? "samples are missing" : read.error().message;
                return;
            }
            ++reads;
        }
    });
    for (std::int64_t quarter = 0; quarter < 120; ++quarter) {
        REQUIRE_OK(storage.append(
            hours_of_data(static_cast<double>(quarter) / 4, static_cast<double>(quarter + 1) / 4)
        ));
        acknowledged = quarter + 1;
        if (quarter % 4 == 0) REQUIRE_OK(storage.db->compact());
    }
    ended = true;
    reader.join();
    CHECK(problem == "");
    CHECK(storage.db->blocks().size() < 8);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
