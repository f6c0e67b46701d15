#include "rpc/merged_series_set.hpp"

#include <deque>
#include <map>
#include <set>

#include "rpc/ordered_series_set.hpp"
#include "support/test_support.hpp"

namespace mimir::rpc {
namespace {

using chunkenc::ChunkBatch;
using chunkenc::ChunkView;
using chunkenc::SeriesSet;
using model::Labels;

struct Chunk {
    std::int64_t begin;
    std::int64_t end;
    std::string data;

    auto operator<=>(const Chunk&) const = default;
};
using Content = std::map<std::string, std::vector<Chunk>>;  // by the value of label "i"

Labels labels_of(const std::string& i) { return Labels{{"__name__", "m"}, {"i", i}}; }

/// A set with this content, that fails from some series on.
class FakeSet final : public SeriesSet {
  public:
    explicit FakeSet(const Content& content, std::size_t fails_at = SIZE_MAX)
        : fails_at_(fails_at) {
        for (const auto& [i, chunks] : content) series_.push_back({labels_of(i), chunks});
    }
    [[nodiscard]] std::size_t count() const override { return series_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return series_[index].labels;
    }
    Result<void> load(std::size_t first, std::size_t count, ChunkBatch& batch) override {
        batch.clear();
        if (first + count > fails_at_) return fail(ErrorKind::unavailable, "the connection broke");
        for (std::size_t i = first; i < first + count; ++i) {
            batch.begin_series();
            for (const Chunk& chunk : series_[i].chunks) {
                batch.add(
                    {{TimestampMs{chunk.begin}, TimestampMs{chunk.end}},
                     chunkenc::Encoding::xor_float,
                     batch.copy(chunk.data)}
                );
            }
        }
        return {};
    }

  private:
    struct Series {
        Labels labels;
        std::vector<Chunk> chunks;
    };
    std::deque<Series> series_;
    const std::size_t fails_at_;
};

MergedSeriesSet merged(const std::vector<Content>& contents) {
    std::vector<std::unique_ptr<SeriesSet>> sets;
    for (const Content& content : contents) {
        sets.push_back(std::make_unique<OrderedSeriesSet>(std::make_unique<FakeSet>(content)));
    }
    return MergedSeriesSet(std::move(sets));
}

std::vector<Chunk> chunks_of(const ChunkBatch& batch, std::size_t series) {
    std::vector<Chunk> chunks;
    for (const ChunkView& chunk : batch.chunks_of(series)) {
        chunks.push_back({chunk.range.min.ms, chunk.range.max.ms, std::string(chunk.data)});
    }
    return chunks;
}

/// All that the set has, loaded in steps.
Content content_of(SeriesSet& set, std::size_t step) {
    Content content;
    ChunkBatch batch;
    for (std::size_t first = 0; first < set.count(); first += step) {
        const std::size_t count = std::min(step, set.count() - first);
        REQUIRE_OK(set.load(first, count, batch));
        REQUIRE(batch.series_count() == count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::string name(set.labels(first + i).get("i"));
            REQUIRE(content.try_emplace(name, chunks_of(batch, i)).second);
        }
    }
    return content;
}

TEST_SUITE_BEGIN("rpc/merged_series_set");

TEST_CASE("a series of several sets is there once, its chunks by time, the same ones once") {
    const Content a{{"1", {{0, 9, "x"}, {10, 19, "y"}}}, {"2", {{0, 5, "z"}}}};
    const Content b{{"1", {{0, 9, "x"}, {5, 12, "w"}, {10, 19, "other"}}}, {"3", {{1, 2, "v"}}}};
    auto set = merged({a, b});
    CHECK(set.count() == 3);
    const Content expected{
        {"1", {{0, 9, "x"}, {5, 12, "w"}, {10, 19, "other"}, {10, 19, "y"}}},
        {"2", {{0, 5, "z"}}},
        {"3", {{1, 2, "v"}}},
    };
    CHECK(content_of(set, 2) == expected);
}

TEST_CASE("empty sets add nothing") {
    auto none = merged({{}, {}});
    CHECK(none.count() == 0);
    ChunkBatch batch;
    REQUIRE_OK(none.load(0, 0, batch));
    auto one = merged({{}, {{"1", {{0, 9, "x"}}}}, {}});
    CHECK(content_of(one, 10) == Content{{"1", {{0, 9, "x"}}}});
}

TEST_CASE("a set that fails fails the load, though others have the same") {
    const Content content{{"1", {{0, 9, "x"}}}};
    std::vector<std::unique_ptr<SeriesSet>> sets;
    sets.push_back(std::make_unique<FakeSet>(content));
    sets.push_back(std::make_unique<FakeSet>(content, 0));
    MergedSeriesSet set(std::move(sets));
    ChunkBatch batch;
    const auto loaded = set.load(0, 1, batch);
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().message == "the connection broke");
}

TEST_CASE("a batch keeps its chunks while another is loaded") {
    auto set = merged({{{"1", {{0, 9, "x"}}}, {"2", {{0, 9, "y"}}}}, {{"3", {{0, 9, "z"}}}}});
    ChunkBatch first;
    ChunkBatch second;
    REQUIRE_OK(set.load(0, 1, first));
    const auto before = chunks_of(first, 0);
    REQUIRE_OK(set.load(1, 2, second));
    CHECK(chunks_of(first, 0) == before);
}

TEST_CASE("any sets, loaded in any steps, give what a simple merge gives") {
    SeededRandom random = test::seeded_random();
    for (int round = 0; round < 200; ++round) {
        std::vector<Content> contents(1 + random.below(5));
        std::map<std::string, std::set<Chunk>> expected;
        for (Content& content : contents) {
            const std::size_t count = random.below(30);
            for (std::size_t i = 0; i < count; ++i) {
                const std::string name = std::to_string(random.below(40));
                std::set<Chunk> chunks;
                const std::size_t chunk_count = random.below(4);
                for (std::size_t j = 0; j < chunk_count; ++j) {
                    const auto begin = static_cast<std::int64_t>(random.below(3));
                    chunks.insert({begin, begin + 5, std::string(1 + random.below(2), 'c')});
                }
                content[name].assign(chunks.begin(), chunks.end());
            }
            for (const auto& [name, chunks] : content) {
                expected[name].insert(chunks.begin(), chunks.end());
            }
        }
        auto set = merged(contents);
        Content as_content;
        for (const auto& [name, chunks] : expected) {
            as_content[name].assign(chunks.begin(), chunks.end());
        }
        CHECK(content_of(set, 1 + random.below(20)) == as_content);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::rpc
