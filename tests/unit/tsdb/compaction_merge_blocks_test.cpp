#include "tsdb/compaction/merge_blocks.hpp"

#include "block_test_support.hpp"
#include "fs/memory_file_system.hpp"
#include "tsdb/block/block_series_set.hpp"

namespace mimir::tsdb {
namespace {

using namespace test_support;
using Parents = std::vector<std::shared_ptr<const Block>>;

TEST_SUITE_BEGIN("tsdb/compaction/merge_blocks");

const fs::Path kDir = "/db";

std::shared_ptr<const Block> make_block(
    fs::FileSystem& files, unsigned n, const Dataset& data, std::int64_t begin, std::int64_t end
) {
    REQUIRE_OK(write_block(files, kDir, ulid(n), data, begin, end));
    auto block = Block::open(files, kDir / ulid(n).str());
    REQUIRE_OK(block);
    return *block;
}

Dataset read_all(const Block& block) {
    const auto set = block.select({}, kAllTime);
    REQUIRE_OK(set);
    auto data = read_dataset(**set, kAllTime);
    REQUIRE_OK(data);
    return *data;
}

TEST_CASE("a merged block holds what its parents hold, overlapping or not") {
    SeededRandom random = test::seeded_random();
    for (int round = 0; round < 20; ++round) {
        fs::MemoryFileSystem files;
        Parents parents;
        Dataset expected;
        for (unsigned n = 1; n <= 3; ++n) {
            const std::int64_t begin = random.below(2) == 0 ? n * 1000 : n * 600;
            const Dataset data = random_dataset(random, 30, 60, begin, begin + 1000);
            parents.push_back(make_block(files, n, data, begin, begin + 1000));
            expected = united(expected, data);
        }
        const auto meta = merge_blocks(files, kDir, ulid(9), parents);
        REQUIRE_OK(meta);
        const auto merged = Block::open(files, kDir / ulid(9).str());
        REQUIRE_OK(merged);
        CHECK(read_all(**merged) == expected);
        std::uint64_t samples = 0;
        for (const auto& series : expected) samples += series.second.size();
        CHECK((*meta)->stats.samples == samples);
    }
}

TEST_CASE("the merged block says where it comes from") {
    fs::MemoryFileSystem files;
    const Dataset data = {{test::labels("a"), {{5, 1.0}, {15, 2.0}, {25, 3.0}}}};
    const Parents first = {make_block(files, 1, data, 0, 10), make_block(files, 2, data, 10, 20)};
    REQUIRE_OK(merge_blocks(files, kDir, ulid(4), first));
    const auto merged = Block::open(files, kDir / ulid(4).str());
    REQUIRE_OK(merged);
    const Parents second = {*merged, make_block(files, 3, data, 20, 30)};
    const auto meta = merge_blocks(files, kDir, ulid(5), second);
    REQUIRE_OK(meta);
    CHECK((*meta)->min_time == TimestampMs{0});
    CHECK((*meta)->max_time == TimestampMs{30});
    CHECK((*meta)->origin.level == 3);
    CHECK((*meta)->origin.sources == std::vector<Ulid>{ulid(1), ulid(2), ulid(3)});
    CHECK(
        (*meta)->origin.parents ==
        std::vector<BlockParent>{{ulid(4), {0}, {20}}, {ulid(3), {20}, {30}}}
    );
    CHECK((*meta)->stats.chunks == 3);  // taken over as they were
}

TEST_CASE("of two parents' samples at one time the earlier parent's stays") {
    fs::MemoryFileSystem files;
    const Parents parents = {
        make_block(files, 1, {{test::labels("a"), {{1, 1.0}, {5, 1.0}}}}, 0, 10),
        make_block(files, 2, {{test::labels("a"), {{1, 2.0}, {6, 2.0}}}}, 0, 10),
    };
    REQUIRE_OK(merge_blocks(files, kDir, ulid(9), parents));
    const auto merged = Block::open(files, kDir / ulid(9).str());
    REQUIRE_OK(merged);
    CHECK(read_all(**merged) == Dataset{{test::labels("a"), {{1, 1.0}, {5, 1.0}, {6, 2.0}}}});
}

TEST_CASE("a damaged parent ends the merge, and nothing is left of it") {
    fs::MemoryFileSystem files;
    const Dataset data = {{test::labels("a"), {{1, 1.0}, {5, 1.0}}}};
    REQUIRE_OK(write_block(files, kDir, ulid(1), data, 0, 10));
    const fs::Path segment = kDir / ulid(1).str() / "chunks/000001";
    std::string bytes = files.read_file(segment).value();
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    auto file = files.open_writable(segment, fs::FileSystem::OpenMode::truncate);
    REQUIRE_OK((*file)->append(bytes));
    const auto damaged = Block::open(files, kDir / ulid(1).str());
    REQUIRE_OK(damaged);
    const Parents parents = {*damaged, make_block(files, 2, data, 0, 10)};
    CHECK(merge_blocks(files, kDir, ulid(9), parents).error().kind == ErrorKind::corrupt);
    CHECK(files.list(kDir)->size() == 2);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
