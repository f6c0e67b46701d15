#include "fs/memory_file_system.hpp"
#include "head_test_support.hpp"

namespace mimir::tsdb {
namespace {

using test::labels;
using namespace test_support;

AppendOutcome append(Head& head, const RequestBuilder& builder, AppendLimits limits = {}) {
    auto outcome = head.append(builder.request(), limits);
    REQUIRE_OK(outcome);
    return *std::move(outcome);
}

constexpr std::int64_t kHour = 3'600'000;

TEST_SUITE("tsdb/head/append") {
    TEST_CASE("samples of several series are read back") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        const auto outcome = append(
            *head,
            RequestBuilder()
                .sample("up{job=\"a\"}", 1000, 1)
                .sample("up{job=\"b\"}", 1000, 2)
                .sample("up{job=\"a\"}", 2000, 3)
        );
        CHECK(outcome.samples == 3);
        CHECK(outcome.series_created == 2);
        CHECK(outcome.errors.empty());
        CHECK(
            read_head(*head) ==
            Dataset{
                {labels("up{job=\"a\"}"), {{1000, 1}, {2000, 3}}},
                {labels("up{job=\"b\"}"), {{1000, 2}}},
            }
        );
        CHECK(head->series_count() == 2);
        CHECK(head->min_time() == TimestampMs{1000});
        CHECK(head->max_time() == TimestampMs{2000});
    }

    TEST_CASE("what can't be stored is refused by its reason, and the rest of the request is kept"
    ) {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        append(*head, RequestBuilder().sample("up", 10 * kHour, 1));
        const auto outcome = append(
            *head,
            RequestBuilder()
                .sample("up", 10 * kHour - 1, 1)  // older than the series' last
                .sample("up", 10 * kHour, 1)      // again: silently taken
                .sample("up", 10 * kHour, 2)      // the same time, another value
                .sample("up", 9 * kHour - 1, 1)   // half a block range behind the newest
                .sample("new", 9 * kHour - 1, 1)  // the same, and the series is not created
                .sample("late", 9 * kHour, 1)     // just young enough
                .sample("up", 10 * kHour + 1, 7)
        );
        CHECK(outcome.samples == 3);
        CHECK(outcome.series_created == 1);
        CHECK(outcome.refused_for(Refusal::out_of_order) == 1);
        CHECK(outcome.refused_for(Refusal::duplicate_timestamp) == 1);
        CHECK(outcome.refused_for(Refusal::too_old) == 2);
        REQUIRE(outcome.errors.size() == 3);
        CHECK(
            read_head(*head) ==
            Dataset{
                {labels("up"), {{10 * kHour, 1}, {10 * kHour + 1, 7}}},
                {labels("late"), {{9 * kHour, 1}}},
            }
        );
    }

    TEST_CASE("a refusal names the id, the time and the series") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        append(*head, RequestBuilder().sample("up{job=\"a\"}", 1575043969000, 1));
        const auto outcome =
            append(*head, RequestBuilder().sample("up{job=\"a\"}", 1575043968999, 1));
        REQUIRE(outcome.errors.size() == 1);
        CHECK(outcome.errors[0].kind == ErrorKind::invalid);
        CHECK(outcome.errors[0].id == "sample-out-of-order");
        CHECK(outcome.errors[0].message.find("2019-11-29T16:12:48.999Z") != std::string::npos);
        CHECK(outcome.errors[0].message.find("up{job=\"a\"}") != std::string::npos);
    }

    TEST_CASE("the limit of series refuses new ones and leaves known ones alone") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        append(*head, RequestBuilder().sample("a", 1, 1).sample("b", 1, 1), {.max_series = 2});
        const auto outcome =
            append(*head, RequestBuilder().sample("c", 2, 1).sample("a", 2, 1), {.max_series = 2});
        CHECK(outcome.samples == 1);
        CHECK(outcome.refused_for(Refusal::series_limit) == 1);
        CHECK(outcome.errors[0].id == "max-series-per-user");
        CHECK(head->series_count() == 2);
    }

    TEST_CASE("stale markers and any bits of a value come back as they were") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        append(
            *head,
            RequestBuilder()
                .sample("up", 1, 1)
                .sample("up", 2, model::kStaleNan)
                .sample("up", 3, -0.0)
        );
        const Dataset data = read_head(*head);
        const Samples& samples = data.at(labels("up"));
        CHECK(model::is_stale(samples.at(2)));
        CHECK(std::signbit(samples.at(3)));
        // The marker again is the same value, though NaN is not equal to itself.
        CHECK(append(*head, RequestBuilder().sample("up", 3, -0.0)).samples == 1);
    }

    TEST_CASE("chunks have about 120 samples, and end at multiples of the block range") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        for (std::int64_t time = 0; time < 4 * kHour; time += 15'000) {
            append(*head, RequestBuilder().sample("up", time, static_cast<double>(time)));
        }
        auto set = head->select({}, kAllTime);
        REQUIRE_OK(set);
        chunkenc::ChunkBatch batch;
        REQUIRE_OK((*set)->load(0, 1, batch));
        CHECK(batch.chunks_of(0).size() == 8);
        for (const chunkenc::ChunkView& chunk : batch.chunks_of(0)) {
            CHECK(chunk.range.min.ms / (2 * kHour) == chunk.range.max.ms / (2 * kHour));
            CHECK((chunk.range.max - chunk.range.min).count() / 15'000 + 1 == 120);
        }
    }

    TEST_CASE("full chunks are read while in memory, and after they were written and mapped") {
        fs::MemoryFileSystem files;
        HeadOptions options = head_options();
        options.chunk_write_buffer_bytes = 2000;
        auto head = open_head(files, "/tenant", options);
        Dataset expected;
        auto random = test::seeded_random();
        for (std::int64_t time = 0; time < 6 * kHour; time += 30'000) {
            RequestBuilder builder;
            for (const char* name : {"a", "b", "c", "d", "e"}) {
                const auto value = static_cast<double>(random.next());
                builder.sample(name, time, value);
                expected[labels(name)][time] = value;
            }
            append(*head, builder);
            if (time % kHour == 0) CHECK(read_head(*head) == expected);
        }
        CHECK(read_head(*head) == expected);
        CHECK(head->stats().chunk_file_bytes > 20'000);
        const TimeRange middle{{2 * kHour}, {3 * kHour}};
        CHECK(read_head(*head, {}, middle) == filtered(expected, {}, middle));
    }

    TEST_CASE("exemplars are kept up to the bound, and found by their series") {
        fs::MemoryFileSystem files;
        HeadOptions options = head_options();
        options.max_exemplars = 3;
        auto head = open_head(files, "/tenant", options);
        const auto exemplar = [](std::int64_t time) {
            return model::Exemplar{labels("{trace_id=\"1\"}"), 1.5, {time}};
        };
        RequestBuilder builder;
        builder.series(labels("a")).add_sample(10, 1).add_exemplar(exemplar(5));
        builder.add_exemplar(exemplar(6)).add_exemplar(exemplar(6)).add_exemplar(exemplar(4));
        builder.exemplar("missing", exemplar(5));
        const auto outcome = append(*head, builder);
        CHECK(outcome.exemplars == 3);
        CHECK(outcome.refused_for(Refusal::exemplar_out_of_order) == 1);
        CHECK(outcome.refused_for(Refusal::exemplar_series_missing) == 1);

        RequestBuilder more;
        more.series(labels("b"))
            .add_sample(10, 1)
            .add_exemplar(exemplar(7))
            .add_exemplar(exemplar(8));
        append(*head, more);
        const model::Matchers all{*model::Matcher::create(model::MatchType::regex, "__name__", ".+")
        };
        const auto found = head->exemplars(std::span(&all, 1), {{0}, {7}});
        REQUIRE(found.size() == 2);
        CHECK(found[0].series == labels("a"));
        CHECK(found[0].exemplars == std::vector{exemplar(6)});
        CHECK(found[1].exemplars == std::vector{exemplar(7)});
        head.reset();
        head = open_head(files, "/tenant", options);
        CHECK(head->exemplars(std::span(&all, 1), {{0}, {7}}).size() == 2);
    }

    TEST_CASE("labels are listed with and without matchers") {
        fs::MemoryFileSystem files;
        auto head = open_head(files, "/tenant");
        append(
            *head,
            RequestBuilder()
                .sample("up{job=\"a\",zone=\"x\"}", 1000, 1)
                .sample("up{job=\"b\"}", 1000, 1)
                .sample("old{job=\"c\"}", 500, 1)
        );
        using Strings = std::vector<std::string>;
        const TimeRange late{{600}, {2000}};
        CHECK(*head->label_names({}, kAllTime) == Strings{"__name__", "job", "zone"});
        CHECK(*head->label_values("job", {}, kAllTime) == Strings{"a", "b", "c"});
        CHECK(*head->label_values("job", {}, late) == Strings{"a", "b"});
        CHECK(head->label_values("none", {}, late)->empty());
        const model::Matchers b{model::Matcher::equal("job", "b")};
        CHECK(*head->label_names(b, late) == Strings{"__name__", "job"});
        CHECK(*head->label_values("__name__", b, late) == Strings{"up"});
    }
}

}  // namespace
}  // namespace mimir::tsdb
