#include "components/ingester/metadata_store.hpp"

#include "support/test_support.hpp"

namespace mimir::ingester {
namespace {

model::MetricMetadata metadata(std::string metric, std::string help) {
    return {std::move(metric), {model::MetricType::gauge, std::move(help), ""}};
}

TEST_SUITE_BEGIN("ingester/metadata_store");

TEST_CASE("metadata is found by metric, in order, within the limits asked for") {
    MetadataStore store;
    for (const auto& one :
         {metadata("b", "1"), metadata("a", "1"), metadata("b", "2"), metadata("b", "1")}) {
        REQUIRE_OK(store.add(one, {}, {0}));
    }
    CHECK(store.size() == 3);
    const auto all = store.find({});
    REQUIRE(all.size() == 3);
    CHECK(all[0].metric == "a");
    CHECK(all[2].metadata.help == "2");
    CHECK(store.find({.metric = "b"}).size() == 2);
    CHECK(store.find({.metric = "c"}).empty());
    CHECK(store.find({.metrics_limit = 1}).size() == 1);
    CHECK(store.find({.per_metric_limit = 1}).size() == 2);
}

TEST_CASE("limits hold for new metadata only") {
    MetadataStore store;
    const MetadataStore::Limits limits{.metrics_max = 1, .per_metric_max = 1};
    REQUIRE_OK(store.add(metadata("a", "1"), limits, {0}));
    REQUIRE_OK(store.add(metadata("a", "1"), limits, {1}));
    CHECK(store.add(metadata("a", "2"), limits, {0}).error().id == "max-metadata-per-metric");
    CHECK(store.add(metadata("b", "1"), limits, {0}).error().id == "max-metadata-per-user");
}

TEST_CASE("what is not repeated is forgotten") {
    MetadataStore store;
    REQUIRE_OK(store.add(metadata("a", "1"), {}, {0}));
    REQUIRE_OK(store.add(metadata("b", "1"), {}, {0}));
    REQUIRE_OK(store.add(metadata("b", "1"), {}, {10}));
    store.purge({5});
    REQUIRE(store.find({}).size() == 1);
    CHECK(store.find({})[0].metric == "b");
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::ingester
