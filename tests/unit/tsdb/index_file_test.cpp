// The index of a block: what IndexWriter writes, IndexReader reads.

#include <algorithm>
#include <map>

#include "fs/memory_file_system.hpp"
#include "support/test_support.hpp"
#include "tsdb/index/index_reader.hpp"
#include "tsdb/index/index_writer.hpp"

namespace mimir::tsdb {
namespace {

TEST_SUITE_BEGIN("tsdb/index/file");

struct Entry {
    model::Labels labels;
    std::vector<ChunkMeta> chunks;

    bool operator==(const Entry&) const = default;
};

void write_index(fs::FileSystem& files, const std::vector<Entry>& entries) {
    REQUIRE_OK(files.create_directories("/b"));
    auto writer = IndexWriter::create(files, "/b");
    REQUIRE_OK(writer);
    for (const Entry& entry : entries) REQUIRE_OK(writer->add(entry.labels, entry.chunks));
    REQUIRE_OK(writer->finish());
}

Result<IndexReader> open_index(fs::FileSystem& files) {
    MIMIR_TRY(auto file, files.map("/b/index"));
    return IndexReader::open(std::move(file), "/b/index");
}

/// All that there is in an index, or the first error.
Result<std::vector<Entry>> read_all(
    const IndexReader& index, const model::Matchers& matchers = {}
) {
    MIMIR_TRY(const Postings series, select(index, matchers));
    std::vector<Entry> entries;
    IndexSeries read;
    for (const std::uint32_t one : series) {
        MIMIR_TRY(index.read_series(one, read));
        entries.push_back({model::Labels(read.labels()), read.chunks()});
    }
    return entries;
}

std::vector<Entry> random_entries(Random& random, std::size_t count) {
    std::map<model::Labels, std::vector<ChunkMeta>> entries;
    while (entries.size() < count) {
        model::LabelsBuilder builder;
        const std::string unique = std::to_string(random.below(1000));
        builder.set(model::kMetricName, random.below(2) == 0 ? "up" : "errors_total")
            .set("pod", unique);
        if (random.below(2) == 0) builder.set("zone", random.below(2) == 0 ? "a" : "b");
        std::vector<ChunkMeta> chunks;
        std::int64_t time = static_cast<std::int64_t>(random.below(1000)) - 500;
        for (std::uint64_t i = random.below(5); i > 0; --i) {
            const std::int64_t begin = time + static_cast<std::int64_t>(random.below(100)) - 20;
            time = begin + static_cast<std::int64_t>(random.below(1000));
            chunks.push_back({{{begin}, {time}}, static_cast<ChunkRef>(random.next())});
        }
        entries.emplace(builder.build(), std::move(chunks));
    }
    std::vector<Entry> sorted;
    for (auto& [labels, chunks] : entries) sorted.push_back({labels, std::move(chunks)});
    return sorted;
}

TEST_CASE("an index reads back as it was written") {
    SeededRandom random = test::seeded_random();
    for (const std::size_t count : {0, 1, 2, 50, 700}) {
        CAPTURE(count);
        const std::vector<Entry> entries = random_entries(random, count);
        fs::MemoryFileSystem files;
        write_index(files, entries);
        CHECK_FALSE(files.exists("/b/index.spool"));
        const auto index = open_index(files);
        REQUIRE_OK(index);
        const auto read = read_all(*index);
        REQUIRE_OK(read);
        CHECK(*read == entries);
    }
}

TEST_CASE("selecting gives the series for which the matchers hold, by lists and by labels alike") {
    SeededRandom random = test::seeded_random();
    const std::vector<Entry> entries = random_entries(random, 700);
    fs::MemoryFileSystem files;
    write_index(files, entries);
    const auto index = open_index(files);
    REQUIRE_OK(index);
    const auto matcher = [](model::MatchType type, std::string_view name, std::string_view value) {
        return model::Matcher::create(type, name, value).value();
    };
    const std::vector<model::Matchers> cases = {
        {matcher(model::MatchType::equal, "__name__", "up")},
        {matcher(model::MatchType::equal, "pod", "17"),
         matcher(model::MatchType::regex, "zone", "a.*")},
        {matcher(model::MatchType::regex, "pod", "1.*"),
         matcher(model::MatchType::not_equal, "zone", "")},
        {matcher(model::MatchType::equal, "zone", ""),
         matcher(model::MatchType::not_regex, "pod", ".*1")},
        {matcher(model::MatchType::equal, "absent", "x")},
        {matcher(model::MatchType::equal, "", "x")},
    };
    for (const model::Matchers& matchers : cases) {
        std::vector<Entry> expected;
        std::copy_if(
            entries.begin(),
            entries.end(),
            std::back_inserter(expected),
            [&](const Entry& entry) { return model::matches(matchers, entry.labels); }
        );
        CAPTURE(matchers.front().to_string());
        const auto read = read_all(*index, matchers);
        REQUIRE_OK(read);
        CHECK(*read == expected);
    }
}

TEST_CASE("names and values are listed in order") {
    fs::MemoryFileSystem files;
    write_index(
        files, {{test::labels("a{x=\"2\"}"), {}}, {test::labels("b{x=\"1\", y=\"3\"}"), {}}}
    );
    const auto index = open_index(files);
    REQUIRE_OK(index);
    CHECK(index->label_names() == std::vector<std::string_view>{"__name__", "x", "y"});
    std::vector<std::string> values;
    REQUIRE_OK(index->visit_values(
        "x",
        [&](std::string_view value, PostingsSource::List) -> Result<void> {
            values.emplace_back(value);
            return {};
        }
    ));
    CHECK(values == std::vector<std::string>{"1", "2"});
    CHECK(index->value_count("x") == 2);
    CHECK(index->value_count("none") == 0);
}

TEST_CASE("series that do not ascend are refused") {
    fs::MemoryFileSystem files;
    REQUIRE_OK(files.create_directories("/b"));
    auto writer = IndexWriter::create(files, "/b");
    REQUIRE_OK(writer);
    REQUIRE_OK(writer->add(test::labels("b"), {}));
    CHECK(writer->add(test::labels("a"), {}).error().kind == ErrorKind::corrupt);
    CHECK(writer->add(test::labels("b"), {}).error().kind == ErrorKind::corrupt);
}

TEST_CASE("a changed or missing byte is noticed, or does no harm") {
    SeededRandom random = test::seeded_random();
    const std::vector<Entry> entries = random_entries(random, 20);
    fs::MemoryFileSystem files;
    write_index(files, entries);
    const auto good = files.read_file("/b/index");
    REQUIRE_OK(good);
    const auto check = [&](std::string_view bytes) {
        auto file = files.open_writable("/b/index", fs::FileSystem::OpenMode::truncate);
        REQUIRE_OK(file);
        REQUIRE_OK((*file)->append(bytes));
        const auto index = open_index(files);
        const auto read = index ? read_all(*index) : tl::unexpected(index.error());
        if (read) {
            CHECK(*read == entries);
        } else {
            CHECK(read.error().kind == ErrorKind::corrupt);
            CHECK(read.error().message.find("/b/index: ") == 0);
        }
        return read.has_value();
    };
    std::size_t harmless = 0;
    for (std::size_t byte = 0; byte < good->size(); ++byte) {
        std::string bad = *good;
        bad[byte] = static_cast<char>(bad[byte] ^ (1 << random.below(8)));
        harmless += check(bad) ? 1 : 0;
    }
    CHECK(harmless < good->size() * 3 / 4);  // padding, and the lists that reading all does not use
    for (std::size_t size = 0; size < good->size(); ++size) {
        CHECK_FALSE(check(good->substr(0, size)));
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
