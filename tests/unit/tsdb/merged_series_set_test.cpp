#include "tsdb/merged_series_set.hpp"

#include "block_test_support.hpp"
#include "fs/memory_file_system.hpp"

namespace mimir::tsdb {
namespace {

using namespace test_support;

TEST_SUITE_BEGIN("tsdb/merged_series_set");

/// Stands for what a head selects: its chunks are copied into the batch.
class CopyingSet final : public chunkenc::SeriesSet {
  public:
    CopyingSet(const Dataset& data, Random& random) {
        for (const auto& [labels, samples] : data) {
            const auto at =
                series_.begin() + static_cast<std::ptrdiff_t>(random.below(series_.size() + 1));
            series_.insert(at, {labels, make_chunks(samples, 15)});
        }
    }
    std::size_t count() const override { return series_.size(); }
    model::LabelsView labels(std::size_t index) const override { return series_[index].first; }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        batch.clear();
        for (std::size_t i = first; i < first + count; ++i) {
            batch.begin_series();
            for (const OwnedChunk& chunk : series_[i].second) {
                batch.add({chunk.range, chunkenc::Encoding::xor_float, batch.copy(chunk.data)});
            }
        }
        return {};
    }

  private:
    std::vector<std::pair<model::Labels, std::vector<OwnedChunk>>> series_;
};

class Fixture {
  public:
    std::unique_ptr<BlockSeriesSet> block(
        const Dataset& data, std::int64_t begin, std::int64_t end
    ) {
        const Ulid name = ulid(++blocks_);
        REQUIRE_OK(write_block(files_, "/db", name, data, begin, end));
        const auto block = Block::open(files_, fs::Path("/db") / name.str());
        REQUIRE_OK(block);
        auto set = (*block)->select({}, kAllTime);
        REQUIRE_OK(set);
        return std::move(*set);
    }

  private:
    fs::MemoryFileSystem files_;
    unsigned blocks_ = 0;
};

TEST_CASE("head and blocks are one set: each label set once, its chunks by start time") {
    SeededRandom random = test::seeded_random();
    for (int round = 0; round < 30; ++round) {
        Fixture fixture;
        Dataset expected;
        std::vector<std::unique_ptr<BlockSeriesSet>> blocks;
        for (std::int64_t n = 0; n < 3; ++n) {
            const std::int64_t begin = random.below(2) == 0 ? n * 1000 : n * 700;
            const Dataset data = random_dataset(random, 30, 60, begin, begin + 1000);
            blocks.push_back(fixture.block(data, begin, begin + 1000));
            expected = united(expected, data);
        }
        std::unique_ptr<chunkenc::SeriesSet> head;
        if (random.below(4) != 0) {
            const Dataset data = random_dataset(random, 30, 60, 2500, 4000);
            head = std::make_unique<CopyingSet>(data, random);
            expected = united(expected, data);
        }
        const auto merged = merge_series_sets(std::move(head), std::move(blocks));
        CHECK(merged->count() == expected.size());
        const auto read = read_dataset(*merged, kAllTime, 1 + random.below(40));
        REQUIRE_OK(read);
        CHECK(*read == expected);
        chunkenc::ChunkBatch batch;
        REQUIRE_OK(merged->load(0, merged->count(), batch));
        for (std::size_t i = 0; i < merged->count(); ++i) {
            const auto chunks = batch.chunks_of(i);
            CHECK(std::is_sorted(chunks.begin(), chunks.end(), [](const auto& a, const auto& b) {
                return a.range.min < b.range.min;
            }));
        }
    }
}

TEST_CASE("a batch keeps its chunks while the set loads others and goes away") {
    SeededRandom random(1);
    Fixture fixture;
    const Dataset in_block = {{test::labels("a"), {{1, 1.0}}}};
    const Dataset in_head = {{test::labels("a"), {{101, 3.0}}}, {test::labels("b"), {{102, 4.0}}}};
    chunkenc::ChunkBatch first;
    {
        std::vector<std::unique_ptr<BlockSeriesSet>> blocks;
        blocks.push_back(fixture.block(in_block, 0, 100));
        const auto merged =
            merge_series_sets(std::make_unique<CopyingSet>(in_head, random), std::move(blocks));
        const std::size_t a = merged->labels(0).metric_name() == "a" ? 0 : 1;
        REQUIRE_OK(merged->load(a, 1, first));
        chunkenc::ChunkBatch second;
        REQUIRE_OK(merged->load(1 - a, 1, second));
    }
    REQUIRE(first.chunks_of(0).size() == 2);
    CHECK(first.chunks_of(0)[0].data == make_chunk({{1, 1.0}}).data);
    CHECK(first.chunks_of(0)[1].data == make_chunk({{101, 3.0}}).data);
}

TEST_CASE("chunks that head and block both have are given once") {
    SeededRandom random(1);
    Fixture fixture;
    const Dataset data = {{test::labels("a"), {{1, 1.0}, {2, 2.0}}}};
    std::vector<std::unique_ptr<BlockSeriesSet>> blocks;
    blocks.push_back(fixture.block(data, 0, 100));
    const auto merged =
        merge_series_sets(std::make_unique<CopyingSet>(data, random), std::move(blocks));
    chunkenc::ChunkBatch batch;
    REQUIRE_OK(merged->load(0, 1, batch));
    CHECK(batch.chunks_of(0).size() == 1);
}

TEST_CASE("the only set with series is passed through") {
    SeededRandom random(1);
    Fixture fixture;
    const Dataset data = {{test::labels("a"), {{1, 1.0}}}};
    SUBCASE("of the head") {
        auto head = std::make_unique<CopyingSet>(data, random);
        const chunkenc::SeriesSet* const expected = head.get();
        std::vector<std::unique_ptr<BlockSeriesSet>> blocks;
        blocks.push_back(fixture.block({{test::labels("a"), {{1, 1.0}}}}, 0, 100));
        blocks.front() = std::make_unique<BlockSeriesSet>(blocks.front()->block(), kAllTime);
        CHECK(merge_series_sets(std::move(head), std::move(blocks)).get() == expected);
    }
    SUBCASE("of a block") {
        std::vector<std::unique_ptr<BlockSeriesSet>> blocks;
        blocks.push_back(fixture.block(data, 0, 100));
        const chunkenc::SeriesSet* const expected = blocks.front().get();
        auto head = std::make_unique<CopyingSet>(Dataset(), random);
        CHECK(merge_series_sets(std::move(head), std::move(blocks)).get() == expected);
    }
    SUBCASE("of none") {
        CHECK(merge_series_sets(nullptr, {})->count() == 0);
        CHECK(merge_series_sets(std::make_unique<CopyingSet>(Dataset(), random), {})->count() == 0);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
