#include <map>
#include <set>

#include "loadgen/prepared_request.hpp"
#include "support/test_support.hpp"
#include "wire/remote_write.hpp"

namespace mimir::loadgen {
namespace {

model::WriteRequest decode(const std::string& body) {
    model::WriteRequest request;
    request.body = body;
    REQUIRE_OK(wire::decode_write_request(request));
    return request;
}

Plan plan(std::uint64_t series, std::uint64_t churn = 0) {
    return {.series = series, .churn = churn, .start = TimestampMs{1'700'000'000'000}};
}

TEST_SUITE("loadgen") {
    TEST_CASE("series are distinct, with about ten labels and 290 bytes") {
        const Catalogue catalogue;
        std::set<std::string> seen;
        std::size_t labels = 0;
        std::size_t bytes = 0;
        constexpr std::uint64_t kSeries = 50'000;
        for (std::uint64_t i = 0; i < kSeries; ++i) {
            const auto set = catalogue.labels(i, 0);
            labels += set.count();
            bytes += set.bytes().size();
            seen.emplace(set.bytes());
        }
        CHECK(seen.size() == kSeries);
        MESSAGE("bytes of labels: " << bytes / kSeries);
        CHECK(labels / kSeries >= 10);
        CHECK(labels / kSeries <= 12);
        CHECK(bytes / kSeries >= 280);
        CHECK(bytes / kSeries <= 300);
    }

    TEST_CASE("a request decodes to one sample of each series, at its time") {
        const Catalogue catalogue;
        const Plan p = plan(250);
        PreparedRequest request(catalogue, p, 100, 150);
        for (const std::uint64_t round : {0, 1, 2}) {
            const auto decoded = decode(request.encode(round));
            REQUIRE(decoded.series.size() == 150);
            REQUIRE(decoded.samples.size() == 150);
            for (std::uint64_t i = 0; i < 150; ++i) {
                CHECK(decoded.series[i].labels.bytes() == catalogue.labels(100 + i, 0).bytes());
                CHECK(decoded.samples[i].time == p.time(100 + i, round));
            }
        }
    }

    TEST_CASE("two runs send the same bytes") {
        const Catalogue catalogue;
        const Plan p = plan(1000, 70);
        PreparedRequest first(catalogue, p, 0, 1000);
        PreparedRequest second(catalogue, p, 0, 1000);
        for (std::uint64_t round = 0; round < 20; ++round) {
            CHECK(first.encode(round) == second.encode(round));
        }
    }

    TEST_CASE("counters do not fall, and buckets stay cumulative") {
        const Catalogue catalogue;
        const Plan p = plan(100);
        PreparedRequest request(catalogue, p, 0, 100);
        std::vector<double> before(100, 0);
        bool grew = false;
        for (std::uint64_t round = 0; round < 200; ++round) {
            const auto decoded = decode(request.encode(round));
            for (std::uint64_t i = 0; i < 100; ++i) {
                const double value = decoded.samples[i].value;
                const SeriesTemplate& series = catalogue.series_template(i);
                const bool counts =
                    series.name.ends_with("_total") || series.name.ends_with("_bucket") ||
                    series.name.ends_with("_sum") || series.name.ends_with("_count");
                if (counts) CHECK(value >= before[i]);
                if (series.name.ends_with("_bucket") && series.share > 0.2) {
                    CHECK(value >= decoded.samples[i - 1].value);
                }
                if (series.motion == Motion::percentage) CHECK((value > 0 && value <= 100));
                grew = grew || value > before[i];
                before[i] = value;
            }
        }
        CHECK(grew);
    }

    TEST_CASE("churn replaces as many series a round as asked for") {
        const Catalogue catalogue;
        const Plan p = plan(1000, 130);
        PreparedRequest request(catalogue, p, 0, 1000);
        std::set<std::string> seen;
        for (std::uint64_t round = 0; round < 30; ++round) {
            const auto decoded = decode(request.encode(round));
            for (const auto& series : decoded.series) seen.emplace(series.labels.bytes());
            CHECK(seen.size() == 1000 + round * 130);
        }
    }
}

}  // namespace
}  // namespace mimir::loadgen
