// What the head does when the power goes, the disk is full, or files are damaged.

#include "fs/faulty_file_system.hpp"
#include "head_test_support.hpp"
#include "tsdb/wal/wal_files.hpp"

namespace mimir::tsdb {
namespace {

using test::labels;
using namespace test_support;

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;

HeadOptions small_options() {
    HeadOptions options = head_options(WalSync::always);
    options.wal.segment_bytes = 4 << 10;
    options.chunk_write_buffer_bytes = 512;
    return options;
}

/// What was acknowledged, and what may or may not have been stored.
struct Ledger {
    Dataset acknowledged;
    Dataset offered;
};

/// Appends scrapes of three series, with a truncation in between, until something fails.
Result<void> work(fs::FileSystem& files, Ledger& ledger) {
    MIMIR_TRY(auto head, Head::open(files, "/tenant", small_options()));
    const std::int64_t begin = std::max<std::int64_t>(head->max_time().ms + kMinute, 0);
    for (std::int64_t i = 0; i < 150; ++i) {
        const std::int64_t time = begin + i * 2 * kMinute;
        RequestBuilder builder;
        Dataset request;
        for (const char* name : {"a", "b", "c"}) {
            const double value = static_cast<double>(time) / 7;
            builder.sample(name, time, value);
            request[labels(name)][time] = value;
        }
        // Comes once, and goes with the next truncation.
        const model::Labels churned = labels(fmt::format("churned{{i=\"{}\"}}", time));
        builder.sample(churned, time, 1);
        request[churned][time] = 1;
        ledger.offered = united(ledger.offered, request);
        MIMIR_TRY(head->append(builder.request(), {}));
        ledger.acknowledged = united(ledger.acknowledged, request);
        if (i % 50 == 40) {
            const TimestampMs time_to_drop{time - kHour};
            const TimeRange left{time_to_drop, TimestampMs::max()};
            // From here on a sample before that time may be there or not.
            ledger.acknowledged = filtered(ledger.acknowledged, {}, left);
            MIMIR_TRY(head->truncate(time_to_drop));
        }
    }
    return {};
}

/// Opens what is left: every acknowledged sample has to be there, and nothing that was never offered.
void check_recovered(fs::FileSystem& files, const Ledger& ledger) {
    auto head = open_head(files, "/tenant", small_options());
    const Dataset found = read_head(*head);
    for (const auto& [series, samples] : ledger.acknowledged) {
        CAPTURE(series.to_string());
        const auto stored = found.find(series);
        REQUIRE(stored != found.end());
        for (const auto& [time, value] : samples) {
            CAPTURE(time);
            REQUIRE(stored->second.contains(time));
            CHECK(stored->second.at(time) == value);
        }
    }
    CHECK(united(ledger.offered, found) == ledger.offered);
    // The chunks hold each sample once.
    auto set = head->select({}, kAllTime);
    REQUIRE_OK(set);
    chunkenc::ChunkBatch batch;
    REQUIRE_OK((*set)->load(0, (*set)->count(), batch));
    for (std::size_t i = 0; i < batch.series_count(); ++i) {
        const auto chunks = batch.chunks_of(i);
        for (std::size_t c = 1; c < chunks.size(); ++c) {
            CHECK(chunks[c - 1].range.max < chunks[c].range.min);
        }
    }
    // And it works on.
    const std::int64_t time = std::max<std::int64_t>(head->max_time().ms, 0) + 1;
    REQUIRE_OK(head->append(RequestBuilder().sample("a", time, 1).request(), {}));
}

std::uint64_t count_operations() {
    fs::FaultyFileSystem files;
    Ledger ledger;
    REQUIRE_OK(work(files, ledger));
    return files.operations();
}

TEST_SUITE("tsdb/head/faults") {
    TEST_CASE("a power cut at any time loses nothing that was acknowledged") {
        const std::uint64_t operations = count_operations();
        auto random = test::seeded_random();
        for (std::uint64_t n = 1; n <= operations; ++n) {
            CAPTURE(n);
            fs::FaultyFileSystem files;
            Ledger ledger;
            files.fail_from(n, {ErrorKind::internal, {}, "the power is gone"});
            static_cast<void>(work(files, ledger));
            files.power_cut(n % 2 == 0 ? &random : nullptr);
            check_recovered(files, ledger);
        }
    }

    TEST_CASE("an operation that fails once loses nothing that was acknowledged") {
        const std::uint64_t operations = count_operations();
        for (std::uint64_t n = 1; n <= operations; ++n) {
            CAPTURE(n);
            fs::FaultyFileSystem files;
            Ledger ledger;
            files.fail_operation(n, {ErrorKind::internal, {}, "an I/O error"});
            static_cast<void>(work(files, ledger));
            // The same process' second attempt, so to speak.
            static_cast<void>(work(files, ledger));
            files.power_cut();
            check_recovered(files, ledger);
        }
    }

    TEST_CASE("a full disk refuses requests, and takes them again when there is space") {
        for (std::uint64_t free = 0; free < 12'000; free += 97) {
            CAPTURE(free);
            fs::FaultyFileSystem files;
            auto head = open_head(files, "/tenant", small_options());
            files.set_free_bytes(free);
            Dataset acknowledged;
            std::int64_t time = 0;
            Result<AppendOutcome> outcome;
            do {
                time += kMinute;
                outcome = head->append(RequestBuilder().sample("a", time, 1).request(), {});
                if (outcome) acknowledged[labels("a")][time] = 1;
            } while (outcome && time < 300 * kMinute);
            if (!outcome) CHECK(outcome.error().kind == ErrorKind::unavailable);
            CHECK(read_head(*head) == acknowledged);
            files.heal();
            REQUIRE_OK(head->append(RequestBuilder().sample("a", time, 1).request(), {}));
            acknowledged[labels("a")][time] = 1;
            CHECK(read_head(*head) == acknowledged);
            files.power_cut();
            head = open_head(files, "/tenant", small_options());
            CHECK(read_head(*head) == acknowledged);
            CHECK(head->replay_report().damages.empty());
        }
    }

    TEST_CASE(
        "a changed byte in the log or in chunk files costs what is behind it in its segment, no "
        "more"
    ) {
        auto random = test::seeded_random();
        for (int round = 0; round < 60; ++round) {
            fs::FaultyFileSystem files;
            Ledger ledger;
            REQUIRE_OK(work(files, ledger));
            const bool in_log = round % 2 == 0;
            const fs::Path dir = in_log ? "/tenant/wal" : "/tenant/chunks_head";
            std::vector<fs::DirectoryEntry> entries = *files.list(dir);
            std::erase_if(entries, [](const auto& entry) { return entry.is_directory; });
            const fs::Path path = dir / entries[random.below(entries.size())].name;
            std::string content = *files.read_file(path);
            if (content.empty()) continue;
            CAPTURE(path.native());
            const std::size_t at = random.below(content.size());
            content[at] = static_cast<char>(content[at] ^ (1 << random.below(8)));
            REQUIRE_OK(fs::write_file_atomically(files, path, content));
            if (!in_log) {
                check_recovered(files, ledger);  // the log has it all
                continue;
            }
            auto head = open_head(files, "/tenant", small_options());
            CHECK(head->replay_report().damages.size() == 1);
            const Dataset found = read_head(*head);
            CHECK(united(ledger.offered, found) == ledger.offered);
            head.reset();
            // It was mended: the next start has nothing to say.
            head = open_head(files, "/tenant", small_options());
            CHECK(head->replay_report().damages.empty());
        }
    }

    TEST_CASE("a missing segment is reported, and the rest is served") {
        fs::FaultyFileSystem files;
        {
            auto head = open_head(files, "/tenant", small_options());
            for (std::int64_t time = 0; time < 40 * kMinute; time += kMinute) {
                RequestBuilder builder;
                for (int i = 0; i < 20; ++i) {
                    builder.sample(fmt::format("s{{i=\"{}\"}}", i), time, 1);
                }
                REQUIRE_OK(head->append(builder.request(), {}));
            }
        }
        REQUIRE(list_segments(files, "/tenant/wal")->size() >= 3);
        REQUIRE_OK(files.remove_file("/tenant/wal/00000001"));
        auto head = open_head(files, "/tenant", small_options());
        CHECK(head->replay_report().damages.size() == 1);
        CHECK(head->series_count() == 20);
        CHECK(head->max_time() == TimestampMs{39 * kMinute});
    }

    TEST_CASE("missing chunk files cost nothing: the log has their samples") {
        for (const char* missing : {"000001", "000002"}) {
            CAPTURE(missing);
            fs::FaultyFileSystem files;
            Dataset expected;
            for (std::int64_t start = 0; start < 4; ++start) {
                auto head = open_head(files, "/tenant", small_options());
                for (std::int64_t i = 0; i < 150; ++i) {
                    const std::int64_t time = (start * 150 + i) * 15'000;
                    const auto value = static_cast<double>(time * i);
                    REQUIRE_OK(head->append(RequestBuilder().sample("a", time, value).request(), {})
                    );
                    expected[labels("a")][time] = value;
                }
            }
            REQUIRE(files.exists(fs::Path("/tenant/chunks_head") / missing));
            REQUIRE_OK(files.remove_file(fs::Path("/tenant/chunks_head") / missing));
            auto head = open_head(files, "/tenant", small_options());
            CHECK(read_head(*head) == expected);
        }
    }
}

}  // namespace
}  // namespace mimir::tsdb
