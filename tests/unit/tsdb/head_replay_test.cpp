#include "fs/memory_file_system.hpp"
#include "head_test_support.hpp"
#include "tsdb/wal/wal_files.hpp"

namespace mimir::tsdb {
namespace {

using test::labels;
using namespace test_support;

constexpr std::int64_t kHour = 3'600'000;

/// Appends a scrape every 30 s of series a to e.
void fill(Head& head, Dataset& expected, std::int64_t begin, std::int64_t end, Random& random) {
    for (std::int64_t time = begin; time < end; time += 30'000) {
        RequestBuilder builder;
        for (const char* name : {"a", "b", "c", "d", "e"}) {
            const auto value = static_cast<double>(random.below(1000));
            builder.sample(name, time, value);
            expected[labels(name)][time] = value;
        }
        REQUIRE_OK(head.append(builder.request(), {}));
    }
}

TEST_SUITE("tsdb/head/replay") {
    TEST_CASE("a head that is opened again has all samples, and takes more") {
        for (const unsigned threads : {1U, 2U}) {
            CAPTURE(threads);
            fs::MemoryFileSystem files;
            HeadOptions options = head_options();
            options.replay_threads = threads;
            options.chunk_write_buffer_bytes = 1000;
            auto random = test::seeded_random();
            Dataset expected;
            for (std::int64_t start = 0; start < 8 * kHour; start += kHour) {
                auto head = open_head(files, "/tenant", options);
                CHECK(head->replay_report().damages.empty());
                CHECK(read_head(*head) == expected);
                fill(*head, expected, start, start + kHour, random);
                // The last sample again, with its value.
                RequestBuilder again;
                again.sample(
                    "a", start + kHour - 30'000, expected[labels("a")][start + kHour - 30'000]
                );
                CHECK(head->append(again.request(), {})->samples == 1);
            }
            auto head = open_head(files, "/tenant", options);
            CHECK(read_head(*head) == expected);
            CHECK(head->replay_report().chunks > 0);
            CHECK(head->replay_report().series == 5);
            CHECK(head->max_time() == TimestampMs{8 * kHour - 30'000});
            CHECK(head->min_time() == TimestampMs{0});
        }
    }

    TEST_CASE("truncation drops samples, series, files and log, and what is left survives a restart"
    ) {
        fs::MemoryFileSystem files;
        HeadOptions options = head_options();
        options.chunk_write_buffer_bytes = 1000;
        options.wal.segment_bytes = 16 << 10;
        auto random = test::seeded_random();
        Dataset expected;
        auto head = open_head(files, "/tenant", options);
        REQUIRE_OK(head->append(RequestBuilder().sample("gone{x=\"y\"}", 5, 5).request(), {}));
        fill(*head, expected, 0, 6 * kHour, random);
        REQUIRE_OK(head->truncate({4 * kHour}));
        const Dataset left = filtered(expected, {}, {{4 * kHour}, {6 * kHour}});
        CHECK(read_head(*head) == left);
        CHECK(head->series_count() == 5);
        CHECK(head->label_names({}, kAllTime)->size() == 1);
        CHECK(head->min_time() == TimestampMs{4 * kHour});
        CHECK(list_checkpoints(files, "/tenant/wal")->size() == 1);
        const auto outcome =
            head->append(RequestBuilder().sample("new", 4 * kHour - 1, 5).request(), {});
        CHECK(outcome->refused_for(Refusal::too_old) == 1);

        head.reset();
        options.min_valid_time = {4 * kHour};
        head = open_head(files, "/tenant", options);
        CHECK(fmt::format("{}", fmt::join(head->replay_report().damages, "; ")) == "");
        CHECK(read_head(*head) == left);
    }

    TEST_CASE("series come in the order of their labels for a block") {
        fs::MemoryFileSystem files;
        HeadOptions options = head_options();
        options.shard_count = 8;
        auto head = open_head(files, "/tenant", options);
        auto random = test::seeded_random();
        Dataset expected = random_dataset(random, 300, 5, 0, kHour);
        RequestBuilder builder;
        for (const auto& [series, samples] : expected) {
            for (const auto& [time, value] : samples) builder.sample(series, time, value);
        }
        REQUIRE_OK(head->append(builder.request(), {}));
        auto next = expected.begin();
        REQUIRE_OK(head->series_for_block(
            {{0}, {2 * kHour}},
            [&](model::LabelsView series, std::span<const chunkenc::ChunkView> chunks) {
                REQUIRE(next != expected.end());
                CHECK(model::Labels(series) == next->first);
                CHECK(chunks.size() == 1);
                ++next;
                return Result<void>();
            }
        ));
        CHECK(next == expected.end());
    }
}

}  // namespace
}  // namespace mimir::tsdb
