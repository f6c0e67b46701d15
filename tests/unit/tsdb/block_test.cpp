#include "tsdb/block/block.hpp"

#include "block_test_support.hpp"
#include "fs/faulty_file_system.hpp"
#include "fs/memory_file_system.hpp"
#include "tsdb/block/block_series_set.hpp"
#include "tsdb/block/block_writer.hpp"

namespace mimir::tsdb {
namespace {

using namespace test_support;

TEST_SUITE_BEGIN("tsdb/block");

const fs::Path kDir = "/db";

fs::Path block_dir(unsigned n) { return kDir / ulid(n).str(); }

Result<Dataset> read_block(
    const fs::FileSystem& files,
    const fs::Path& dir,
    const model::Matchers& matchers = {},
    TimeRange range = kAllTime
) {
    MIMIR_TRY(const auto block, Block::open(files, dir));
    MIMIR_TRY(const auto set, block->select(matchers, range));
    return read_dataset(*set, range);
}

void overwrite(fs::FileSystem& files, const fs::Path& path, std::string_view bytes) {
    auto file = files.open_writable(path, fs::FileSystem::OpenMode::truncate);
    REQUIRE_OK(file);
    REQUIRE_OK((*file)->append(bytes));
}

TEST_CASE("a block reads back as it was written, whatever the size of its segments") {
    SeededRandom random = test::seeded_random();
    const Dataset data = random_dataset(random, 100, 90, 0, 5000);
    for (const std::uint64_t segment_bytes :
         {std::uint64_t{300}, std::uint64_t{5000}, kSegmentBytesMax}) {
        fs::MemoryFileSystem files;
        const auto meta = write_block(files, kDir, ulid(1), data, 0, 5000, segment_bytes);
        REQUIRE_OK(meta);
        const auto read = read_block(files, block_dir(1));
        REQUIRE_OK(read);
        CHECK(*read == data);
    }
}

TEST_CASE("meta.json counts what the block holds") {
    fs::MemoryFileSystem files;
    Samples samples;
    for (int i = 0; i < 50; ++i) samples[i] = i;
    const Dataset data = {{test::labels("a"), samples}, {test::labels("b"), {{7, 1.0}}}};
    const auto meta = write_block(files, kDir, ulid(1), data, 0, 100);
    REQUIRE_OK(meta);
    REQUIRE(meta->has_value());
    CHECK(
        (*meta)->stats == BlockStats{.samples = 51, .float_samples = 51, .series = 2, .chunks = 4}
    );
    CHECK((*meta)->origin == BlockOrigin{.level = 1, .sources = {ulid(1)}});
    const auto block = Block::open(files, block_dir(1));
    REQUIRE_OK(block);
    CHECK((*block)->meta() == **meta);
}

TEST_CASE("a selection gives the series and samples that matchers and range admit") {
    SeededRandom random = test::seeded_random();
    const Dataset data = random_dataset(random, 60, 60, 0, 5000);
    fs::MemoryFileSystem files;
    REQUIRE_OK(write_block(files, kDir, ulid(1), data, 0, 5000));
    const model::Matchers up = {model::Matcher::equal("__name__", "up")};
    for (int round = 0; round < 50; ++round) {
        const auto min = static_cast<std::int64_t>(random.below(5000)) - 100;
        const TimeRange range{{min}, {min + static_cast<std::int64_t>(random.below(1000))}};
        auto read = read_block(files, block_dir(1), up, range);
        REQUIRE_OK(read);
        // A chunk may overlap the range without having a sample in it.
        std::erase_if(*read, [](const auto& series) { return series.second.empty(); });
        CHECK(*read == filtered(data, up, range));
    }
}

TEST_CASE("names and values are those of the series that match") {
    fs::MemoryFileSystem files;
    const Samples some = {{1, 1.0}};
    const Dataset data = {
        {test::labels("a{x=\"1\"}"), some},
        {test::labels("a{x=\"2\", y=\"3\"}"), some},
        {test::labels("b{z=\"4\"}"), some}
    };
    REQUIRE_OK(write_block(files, kDir, ulid(1), data, 0, 100));
    const auto block = Block::open(files, block_dir(1));
    REQUIRE_OK(block);
    const model::Matchers a = {model::Matcher::equal("__name__", "a")};
    using Strings = std::vector<std::string>;
    CHECK((*block)->label_names({}).value() == Strings{"__name__", "x", "y", "z"});
    CHECK((*block)->label_names(a).value() == Strings{"__name__", "x", "y"});
    CHECK((*block)->label_values("x", {}).value() == Strings{"1", "2"});
    CHECK((*block)->label_values("__name__", a).value() == Strings{"a"});
    CHECK((*block)->label_values("z", a).value().empty());
}

TEST_CASE("deleted samples are left out") {
    fs::MemoryFileSystem files;
    Samples samples;
    for (int i = 0; i < 50; ++i) samples[i] = i;
    Dataset data = {{test::labels("a"), samples}, {test::labels("b"), samples}};
    REQUIRE_OK(write_block(files, kDir, ulid(1), data, 0, 100));
    const auto index_file = files.map(block_dir(1) / "index");
    REQUIRE_OK(index_file);
    const auto index = IndexReader::open(*index_file, "index");
    REQUIRE_OK(index);
    Postings postings;
    REQUIRE_OK(index->append_all(postings));
    overwrite(
        files,
        block_dir(1) / "tombstones",
        encode(Tombstones{{postings[1], {{{10}, {12}}, {{20}, {45}}}}})
    );
    std::erase_if(data[test::labels("b")], [](const auto& sample) {
        return (sample.first >= 10 && sample.first <= 12) ||
               (sample.first >= 20 && sample.first <= 45);
    });
    const auto read = read_block(files, block_dir(1));
    REQUIRE_OK(read);
    CHECK(*read == data);
}

TEST_CASE("loaded chunks outlive the set, the block and its files") {
    fs::MemoryFileSystem files;
    REQUIRE_OK(write_block(files, kDir, ulid(1), {{test::labels("a"), {{1, 2.0}}}}, 0, 100));
    chunkenc::ChunkBatch batch;
    {
        const auto block = Block::open(files, block_dir(1));
        REQUIRE_OK(block);
        const auto set = (*block)->select({}, kAllTime);
        REQUIRE_OK(set);
        REQUIRE_OK((*set)->load(0, 1, batch));
    }
    REQUIRE_OK(files.remove_all(kDir));
    CHECK(batch.chunks_of(0).front().data == make_chunk({{1, 2.0}}).data);
}

TEST_CASE("a block without series is not kept") {
    fs::MemoryFileSystem files;
    REQUIRE_OK(files.create_directories(kDir));
    const auto meta = write_block(files, kDir, ulid(1), {}, 0, 100);
    REQUIRE_OK(meta);
    CHECK_FALSE(meta->has_value());
    CHECK(files.list(kDir)->empty());
}

TEST_CASE("chunks outside of the block, or out of order, are refused") {
    fs::MemoryFileSystem files;
    const OwnedChunk early = make_chunk({{1, 1.0}, {5, 1.0}});
    const OwnedChunk middle = make_chunk({{50, 1.0}});
    const OwnedChunk late = make_chunk({{95, 1.0}, {100, 1.0}});
    const auto writer = BlockWriter::create(files, kDir, {ulid(1), {0}, {100}, BlockOrigin{}});
    REQUIRE_OK(writer);
    const std::vector<std::vector<chunkenc::ChunkView>> cases = {
        {late.view()}, {middle.view(), early.view()}
    };
    for (const auto& chunks : cases) {
        CHECK((*writer)->add(test::labels("a"), chunks).error().kind == ErrorKind::corrupt);
    }
}

TEST_CASE("a changed bit in any file is noticed, or does no harm") {
    SeededRandom random = test::seeded_random();
    const Dataset data = random_dataset(random, 12, 40, 0, 5000);
    fs::MemoryFileSystem files;
    REQUIRE_OK(write_block(files, kDir, ulid(1), data, 0, 5000, 700));
    overwrite(files, block_dir(1) / "tombstones", encode(Tombstones{}));
    for (const char* name : {"index", "chunks/000001", "chunks/000002", "tombstones"}) {
        const fs::Path path = block_dir(1) / name;
        const auto good = files.read_file(path);
        REQUIRE_OK(good);
        std::size_t noticed = 0;
        for (std::size_t byte = 0; byte < good->size(); ++byte) {
            std::string bad = *good;
            bad[byte] = static_cast<char>(bad[byte] ^ (1 << random.below(8)));
            overwrite(files, path, bad);
            const auto read = read_block(files, block_dir(1));
            if (read) {
                CHECK(*read == data);
            } else {
                CHECK(read.error().kind == ErrorKind::corrupt);
                CHECK(read.error().message.find(path.parent_path().string()) != std::string::npos);
                ++noticed;
            }
        }
        CAPTURE(name);
        CHECK(noticed > 0);
        for (std::size_t cut = 1; cut <= good->size(); cut += 13) {
            overwrite(files, path, std::string_view(*good).substr(0, good->size() - cut));
            CHECK_FALSE(read_block(files, block_dir(1)).has_value());
        }
        overwrite(files, path, *good);
    }
}

TEST_CASE("what is missing is named") {
    fs::MemoryFileSystem files;
    REQUIRE_OK(write_block(files, kDir, ulid(1), {{test::labels("a"), {{1, 2.0}}}}, 0, 100));
    SUBCASE("meta.json") {
        REQUIRE_OK(files.remove_file(block_dir(1) / "meta.json"));
        const auto read = read_block(files, block_dir(1));
        CHECK(read.error().kind == ErrorKind::not_found);
        CHECK(read.error().message.find("meta.json") != std::string::npos);
    }
    SUBCASE("the segment of a chunk") {
        REQUIRE_OK(files.remove_file(block_dir(1) / "chunks/000001"));
        const auto read = read_block(files, block_dir(1));
        CHECK(read.error().kind == ErrorKind::corrupt);
        CHECK(read.error().message.find("000001") != std::string::npos);
    }
    SUBCASE("the right name of the folder") {
        REQUIRE_OK(files.rename(block_dir(1), block_dir(2)));
        CHECK(read_block(files, block_dir(2)).error().kind == ErrorKind::corrupt);
    }
}

TEST_CASE(
    "a power cut at any time leaves the whole block, or none and the name of a half-written one"
) {
    SeededRandom random = test::seeded_random();
    const Dataset data = random_dataset(random, 10, 40, 0, 5000);
    fs::FaultyFileSystem files;
    std::uint64_t operations = 1;
    for (std::uint64_t n = 1; n <= operations; ++n) {
        CAPTURE(n);
        REQUIRE_OK(files.remove_all(kDir));
        REQUIRE_OK(files.create_directories(kDir));
        const std::uint64_t before = files.operations();
        files.fail_from(n, Error{ErrorKind::internal, {}, "the disk is gone"});
        const auto written = write_block(files, kDir, ulid(1), data, 0, 5000, 600);
        if (written) operations = files.operations() - before;
        operations = std::max(operations, n + (written ? 0 : 1));
        files.power_cut(random.below(2) == 0 ? &random : nullptr);
        if (files.exists(block_dir(1))) {
            const auto read = read_block(files, block_dir(1));
            REQUIRE_OK(read);
            CHECK(*read == data);
        } else {
            CHECK_FALSE(written.has_value());
        }
    }
    CHECK(operations > 15);
}

TEST_CASE("when the disk is full the block is given up and its space is free again") {
    SeededRandom random = test::seeded_random();
    const Dataset data = random_dataset(random, 10, 40, 0, 5000);
    fs::FaultyFileSystem files;
    REQUIRE_OK(files.create_directories(kDir));
    files.set_free_bytes(1500);
    const auto written = write_block(files, kDir, ulid(1), data, 0, 5000);
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().kind == ErrorKind::unavailable);
    CHECK(files.list(kDir)->empty());
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
