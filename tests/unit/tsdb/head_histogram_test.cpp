#include "chunkenc/decode.hpp"
#include "fs/memory_file_system.hpp"
#include "head_test_support.hpp"

namespace mimir::tsdb {
namespace {

using test::labels;
using namespace test_support;

/// Counts that grow with `n`, in two buckets; one more from n = 100 on.
model::Histogram histogram(std::int64_t n) {
    model::Histogram h;
    h.zero_threshold = 0.001;
    h.zero_count = static_cast<std::uint64_t>(n);
    h.sum = static_cast<double>(n) * 1.5;
    h.positive_spans = {{0, n < 100 ? 2U : 3U}};
    h.positive_deltas = {n, 1};
    if (n >= 100) h.positive_deltas.push_back(2);
    h.count = static_cast<std::uint64_t>(n < 100 ? 3 * n + 1 : 4 * n + 4);
    return h;
}

chunkenc::Points read_points(Head& head, std::string_view name) {
    auto set = head.select({model::Matcher::equal("__name__", name)}, kAllTime);
    REQUIRE_OK(set);
    chunkenc::ChunkBatch batch;
    REQUIRE_OK((*set)->load(0, (*set)->count(), batch));
    chunkenc::Points points;
    for (std::size_t i = 0; i < batch.series_count(); ++i) {
        for (const chunkenc::ChunkView& chunk : batch.chunks_of(i)) {
            REQUIRE_OK(chunkenc::decode(chunk, kAllTime, points));
        }
    }
    return points;
}

void check_histograms(const chunkenc::Points& points, std::int64_t count) {
    REQUIRE(points.histogram_times.size() == static_cast<std::size_t>(count));
    for (std::int64_t n = 0; n < count; ++n) {
        CAPTURE(n);
        const auto i = static_cast<std::size_t>(n);
        CHECK(points.histogram_times[i] == TimestampMs{n * 15'000});
        CHECK(points.histograms[i].sum == static_cast<double>(n) * 1.5);
        CHECK(points.histograms[i].zero_count == static_cast<double>(n));
    }
}

TEST_SUITE("tsdb/head/histograms") {
    TEST_CASE("histograms of both kinds are stored, and replayed from log and chunk files") {
        fs::MemoryFileSystem files;
        HeadOptions options = head_options();
        options.chunk_write_buffer_bytes = 1000;
        std::int64_t n = 0;
        for (const std::int64_t until : {90, 300, 700}) {
            auto head = open_head(files, "/tenant", options);
            CHECK(head->replay_report().damages.empty());
            for (; n < until; ++n) {
                RequestBuilder builder;
                builder.histogram("integers", {{n * 15'000}, histogram(n)});
                builder.histogram("floats", {{n * 15'000}, model::to_float(histogram(n))});
                const auto outcome = head->append(builder.request(), {});
                REQUIRE_OK(outcome);
                CHECK(outcome->histograms == 2);
            }
            check_histograms(read_points(*head, "integers"), n);
            check_histograms(read_points(*head, "floats"), n);
        }
    }

    TEST_CASE("the last histogram again is taken silently; another of its time is refused") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        const auto append = [&](std::int64_t time, std::int64_t n) {
            return *head->append(
                RequestBuilder().histogram("h", {{time}, histogram(n)}).request(), {}
            );
        };
        CHECK(append(1000, 1).histograms == 1);
        CHECK(append(1000, 1).histograms == 1);
        CHECK(append(1000, 2).refused_for(Refusal::duplicate_timestamp) == 1);
        CHECK(append(999, 2).refused_for(Refusal::out_of_order) == 1);
        CHECK(read_points(*head, "h").histograms.size() == 1);
    }

    TEST_CASE("a series may change between floats and histograms") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        for (std::int64_t n = 0; n < 20; ++n) {
            RequestBuilder builder;
            builder.series(labels("mixed"));
            builder.add_sample(n * 1000, 1).add_histogram({{n * 1000 + 500}, histogram(n)});
            REQUIRE_OK(head->append(builder.request(), {}));
        }
        const auto check = [&] {
            const auto points = read_points(*head, "mixed");
            CHECK(points.float_times.size() == 20);
            CHECK(points.histogram_times.size() == 20);
        };
        check();
        head.reset();
        head = open_head(files, "/tenant");
        check();
    }

    TEST_CASE("a float with the time of the last histogram is refused") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        REQUIRE_OK(
            head->append(RequestBuilder().histogram("h", {{1000}, histogram(1)}).request(), {})
        );
        const auto outcome = head->append(RequestBuilder().sample("h", 1000, 0).request(), {});
        CHECK(outcome->refused_for(Refusal::duplicate_timestamp) == 1);
    }
}

}  // namespace
}  // namespace mimir::tsdb
