#include "tsdb/block/block_meta.hpp"

#include "support/test_support.hpp"

namespace mimir::tsdb {
namespace {

TEST_SUITE_BEGIN("tsdb/block/meta");

Ulid ulid(std::string_view text) { return Ulid::parse(text).value(); }

constexpr std::string_view kJson = R"({
	"ulid": "01BKGV7JBM69T2G1BGBGM6KB12",
	"minTime": 1700000000000,
	"maxTime": 1700007200000,
	"stats": {
		"numSamples": 553673,
		"numFloatSamples": 553000,
		"numHistogramSamples": 673,
		"numSeries": 1346,
		"numChunks": 4440
	},
	"compaction": {
		"level": 2,
		"sources": [
			"01BKGTZQ1SYQJTR4PB43C8PD98"
		],
		"parents": [
			{
				"ulid": "01BKGTZQ1SYQJTR4PB43C8PD98",
				"minTime": 0,
				"maxTime": 7
			}
		],
		"hints": [
			"from-out-of-order"
		]
	},
	"version": 1
})";

BlockMeta expected_meta() {
    return {
        .ulid = ulid("01BKGV7JBM69T2G1BGBGM6KB12"),
        .min_time = {1'700'000'000'000},
        .max_time = {1'700'007'200'000},
        .stats =
            {.samples = 553'673,
             .float_samples = 553'000,
             .histogram_samples = 673,
             .series = 1346,
             .chunks = 4440},
        .origin =
            {
                .level = 2,
                .sources = {ulid("01BKGTZQ1SYQJTR4PB43C8PD98")},
                .parents = {{ulid("01BKGTZQ1SYQJTR4PB43C8PD98"), {0}, {7}}},
                .hints = {"from-out-of-order"},
            },
    };
}

TEST_CASE("meta.json is written as Prometheus writes it, and read back") {
    CHECK(to_json(expected_meta()) == kJson);
    const auto parsed = parse_block_meta(kJson);
    REQUIRE_OK(parsed);
    CHECK(*parsed == expected_meta());
}

TEST_CASE("unknown keys are ignored, and what may be missing is empty") {
    const auto parsed = parse_block_meta(
        R"({"version":1,"ulid":"01BKGV7JBM69T2G1BGBGM6KB12","minTime":-5,"maxTime":5,"stats":{},)"
        R"("compaction":{"level":1,"failed":false},"thanos":{"labels":{"a":"b"}}})"
    );
    REQUIRE_OK(parsed);
    CHECK(parsed->stats == BlockStats{});
    CHECK(parsed->origin == BlockOrigin{});
    CHECK(parsed->range() == TimeRange{{-5}, {4}});
}

TEST_CASE("what is not a block's meta.json is corrupt, with the reason") {
    const std::string good(kJson);
    const auto replaced = [&](std::string_view from, std::string_view to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "parse error"},
        {"{}", "version"},
        {"[1]", "type"},
        {replaced("\"version\": 1", "\"version\": 2"), "version"},
        {replaced("01BKGV7JBM69T2G1BGBGM6KB12", "../../etc"), "ULID ../../etc"},
        {replaced("1700000000000", "\"0\""), "type"},
        {replaced("1700000000000", "1700007200000"), "range of time"},
        {replaced("1700000000000", "1e300"), "type"},
        {replaced("\"level\": 2", "\"level\": 0"), "level"},
        {replaced("[\n\t\t\t\"from-out-of-order\"\n\t\t]", "[3]"), "type"},
    };
    for (const auto& [json, reason] : cases) {
        CAPTURE(json);
        const auto parsed = parse_block_meta(json);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().kind == ErrorKind::corrupt);
        CHECK_MESSAGE(
            parsed.error().message.find(reason) != std::string::npos, parsed.error().message
        );
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
