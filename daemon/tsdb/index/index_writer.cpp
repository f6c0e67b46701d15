#include "tsdb/index/index_writer.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"
#include "tsdb/detail/buffered_file.hpp"

namespace mimir::tsdb {
namespace {

using detail::BufferedFile;
using encoding::ByteReader;
using encoding::ByteWriter;
using namespace index_format;

constexpr std::string_view kSpoolName = "index.spool";

struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
};

/// Numbers distinct strings in the order in which they come.
class Interner {
  public:
    /// Returns the number, and whether the string is new.
    std::pair<std::uint32_t, bool> intern(std::string_view text) {
        if (const auto known = numbers_.find(text); known != numbers_.end()) {
            return {known->second, false};
        }
        const auto number = static_cast<std::uint32_t>(strings_.size());
        strings_.push_back(&numbers_.emplace(text, number).first->first);
        return {number, true};
    }
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(strings_.size()); }
    [[nodiscard]] std::string_view operator[](std::uint32_t number) const {
        return *strings_[number];
    }

  private:
    std::unordered_map<std::string, std::uint32_t, StringHash, std::equal_to<>> numbers_;
    std::vector<const std::string*> strings_;
};

/// One label, name and value, of however many series.
struct Pair {
    std::uint32_t name =
        0;  // symbols, at first as interned; from finish() on by rank in the sorted table
    std::uint32_t value = 0;
    std::uint32_t series_count = 0;
    std::size_t postings_begin = 0;
};

void append_chunks(std::string& out, std::span<const ChunkMeta> chunks) {
    ByteWriter writer(out);
    writer.uvarint(chunks.size());
    std::uint64_t time = 0;
    std::uint64_t ref = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        // Differences wrap round: an overlap of chunks is a negative gap.
        const auto min = static_cast<std::uint64_t>(chunks[i].range.min.ms);
        const auto max = static_cast<std::uint64_t>(chunks[i].range.max.ms);
        const auto chunk_ref = static_cast<std::uint64_t>(chunks[i].ref);
        if (i == 0) {
            writer.varint(chunks[i].range.min.ms);
            writer.uvarint(max - min);
            writer.uvarint(chunk_ref);
        } else {
            writer.uvarint(min - time);
            writer.uvarint(max - min);
            writer.varint(static_cast<std::int64_t>(chunk_ref - ref));
        }
        time = max;
        ref = chunk_ref;
    }
}

/// A section is a be32 length, the content and its checksum. Begins one, whose length end_section
/// sets.
std::string begin_section() { return std::string(4, '\0'); }

Result<void> end_section(std::string& section, std::string_view what) {
    const std::size_t content_bytes = section.size() - 4;
    if (content_bytes > std::numeric_limits<std::uint32_t>::max()) {
        return fail(ErrorKind::limit, "{} of {} bytes do not fit in an index", what, content_bytes);
    }
    encoding::store_be(section.data(), static_cast<std::uint32_t>(content_bytes));
    ByteWriter(section).be32(encoding::crc32c(std::string_view(section).substr(4)));
    return {};
}

Result<void> align(BufferedFile& file, std::size_t alignment) {
    constexpr char kZeros[kSeriesAlignment] = {};
    const std::size_t over = file.position() % alignment;
    return over == 0 ? Result<void>() : file.append({kZeros, alignment - over});
}

/// For each of `count` elements its place in the order that `less` defines.
template <class Less>
std::vector<std::uint32_t> sorted_order(std::uint32_t count, Less less) {
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), less);
    return order;
}

}  // namespace

struct IndexWriter::State {
    fs::FileSystem& files;
    fs::Path dir;
    BufferedFile spool;

    Interner symbols;
    Interner labels;  // by their canonical bytes; a label's number is its index in pairs
    std::vector<Pair> pairs;
    std::uint64_t label_count = 0;  // of all series
    std::uint32_t series_count = 0;
    model::Labels last_labels;
    std::vector<std::uint32_t> last_pairs;
    std::string scratch;

    // From finish() on.
    std::vector<std::uint32_t> symbol_order;  // numbers of symbols, sorted
    std::vector<std::uint32_t> pair_order;    // numbers of pairs, sorted by name and value
    std::vector<std::uint32_t> postings;      // of all pairs, in that order
    std::vector<std::uint32_t> all_series;
    TableOfContents toc;

    std::uint32_t intern(std::string_view label_bytes, model::Label label) {
        const auto [number, is_new] = labels.intern(label_bytes);
        if (is_new) {
            pairs.push_back({symbols.intern(label.name).first, symbols.intern(label.value).first});
        }
        return number;
    }

    Result<void> write_symbols(BufferedFile& file);
    Result<void> write_series(BufferedFile& file, std::string_view spooled);
    Result<void> write_postings(BufferedFile& file);
    Result<void> write_table_of_contents(BufferedFile& file);
};

IndexWriter::IndexWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexWriter::~IndexWriter() = default;
IndexWriter::IndexWriter(IndexWriter&&) noexcept = default;
IndexWriter& IndexWriter::operator=(IndexWriter&&) noexcept = default;

Result<IndexWriter> IndexWriter::create(fs::FileSystem& files, fs::Path dir) {
    MIMIR_TRY(
        auto spool, files.open_writable(dir / kSpoolName, fs::FileSystem::OpenMode::create_new)
    );
    return IndexWriter(
        std::make_unique<State>(State{files, std::move(dir), BufferedFile(std::move(spool))})
    );
}

Result<void> IndexWriter::add(model::LabelsView labels, std::span<const ChunkMeta> chunks) {
    State& s = *state_;
    if (s.series_count > 0 && labels <= s.last_labels.view()) {
        return fail(
            ErrorKind::corrupt,
            "series {} does not come after {}",
            labels.to_string(),
            s.last_labels.to_string()
        );
    }
    // Neighbours in sorted order share most of their labels: those are not looked up again.
    std::vector<std::uint32_t> pairs;
    auto last = s.last_labels.begin();
    std::size_t last_index = 0;
    const char* label_begin = labels.bytes().data();
    for (const model::Label label : labels) {
        const char* const label_end = label.value.data() + label.value.size();
        for (; last != s.last_labels.end() && (*last).name < label.name; ++last) ++last_index;
        const bool known = last != s.last_labels.end() && *last == label;
        pairs.push_back(
            known ? s.last_pairs[last_index] : s.intern({label_begin, label_end}, label)
        );
        ++s.pairs[pairs.back()].series_count;
        label_begin = label_end;
    }
    s.label_count += pairs.size();
    ++s.series_count;

    s.scratch.clear();
    ByteWriter writer(s.scratch);
    writer.uvarint(pairs.size());
    for (const std::uint32_t pair : pairs) writer.uvarint(pair);
    append_chunks(s.scratch, chunks);
    std::string length;
    ByteWriter(length).uvarint(s.scratch.size());
    s.last_labels = model::Labels(labels);
    s.last_pairs = std::move(pairs);
    MIMIR_TRY(s.spool.append(length));
    return s.spool.append(s.scratch);
}

Result<void> IndexWriter::State::write_symbols(BufferedFile& file) {
    toc.symbols = file.position();
    const auto order = sorted_order(symbols.size(), [&](std::uint32_t a, std::uint32_t b) {
        return symbols[a] < symbols[b];
    });
    std::string section = begin_section();
    ByteWriter writer(section);
    writer.be32(symbols.size());
    std::vector<std::uint32_t> rank(symbols.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
        rank[order[i]] = i;
        writer.string(symbols[order[i]]);
    }
    for (Pair& pair : pairs) pair = {rank[pair.name], rank[pair.value], pair.series_count};
    symbol_order = order;
    MIMIR_TRY(end_section(section, "symbols"));
    return file.append(section);
}

Result<void> IndexWriter::State::write_series(BufferedFile& file, std::string_view spooled) {
    pair_order = sorted_order(labels.size(), [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(pairs[a].name, pairs[a].value) < std::pair(pairs[b].name, pairs[b].value);
    });
    std::size_t begin = 0;
    for (const std::uint32_t pair : pair_order) {
        pairs[pair].postings_begin = begin;
        begin += pairs[pair].series_count;
        pairs[pair].series_count = 0;  // counted again while the list fills
    }
    postings.resize(begin);

    MIMIR_TRY(align(file, kSeriesAlignment));
    toc.series = file.position();
    std::string entry;
    std::string content;
    for (ByteReader spool_reader(spooled); !spool_reader.at_end();) {
        ByteReader reader(spool_reader.string());
        MIMIR_TRY(align(file, kSeriesAlignment));
        const std::uint64_t ref = file.position() / kSeriesAlignment;
        if (ref > std::numeric_limits<std::uint32_t>::max()) {
            return fail(ErrorKind::limit, "{} series do not fit in an index", series_count);
        }
        all_series.push_back(static_cast<std::uint32_t>(ref));
        content.clear();
        ByteWriter writer(content);
        const std::uint64_t count = reader.uvarint();
        writer.uvarint(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            Pair& pair = pairs[reader.uvarint()];
            postings[pair.postings_begin + pair.series_count++] = static_cast<std::uint32_t>(ref);
            writer.uvarint(pair.name);
            writer.uvarint(pair.value);
        }
        writer.raw(reader.rest());
        entry.clear();
        ByteWriter entry_writer(entry);
        entry_writer.string(content);
        entry_writer.be32(encoding::crc32c(content));
        MIMIR_TRY(file.append(entry));
    }
    return {};
}

Result<void> IndexWriter::State::write_postings(BufferedFile& file) {
    toc.postings = file.position();
    std::string table = begin_section();
    ByteWriter table_writer(table);
    table_writer.be32(labels.size() + 1);
    const auto write_list = [&](std::string_view name,
                                std::string_view value,
                                std::span<const std::uint32_t> series) -> Result<void> {
        MIMIR_TRY(align(file, kPostingsAlignment));
        table_writer.u8(2);  // strings that follow
        table_writer.string(name);
        table_writer.string(value);
        table_writer.uvarint(file.position());
        std::string list = begin_section();
        ByteWriter writer(list);
        writer.be32(static_cast<std::uint32_t>(series.size()));
        for (const std::uint32_t one : series) writer.be32(one);
        MIMIR_TRY(end_section(list, "postings"));
        return file.append(list);
    };
    MIMIR_TRY(write_list({}, {}, all_series));
    for (const std::uint32_t number : pair_order) {
        const Pair& pair = pairs[number];
        const auto series = std::span(postings).subspan(pair.postings_begin, pair.series_count);
        const std::string_view name = symbols[symbol_order[pair.name]];
        MIMIR_TRY(write_list(name, symbols[symbol_order[pair.value]], series));
    }
    toc.postings_offset_table = file.position();
    MIMIR_TRY(end_section(table, "table of postings"));
    return file.append(table);
}

Result<void> IndexWriter::State::write_table_of_contents(BufferedFile& file) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.be64(toc.symbols);
    writer.be64(toc.series);
    writer.be64(toc.label_indices);
    writer.be64(toc.label_offset_table);
    writer.be64(toc.postings);
    writer.be64(toc.postings_offset_table);
    writer.be32(encoding::crc32c(bytes));
    return file.append(bytes);
}

Result<void> IndexWriter::finish() {
    State& s = *state_;
    MIMIR_TRY(s.spool.flush());
    MIMIR_TRY(
        auto opened, s.files.open_writable(s.dir / kFileName, fs::FileSystem::OpenMode::create_new)
    );
    BufferedFile file(std::move(opened));
    std::string header;
    ByteWriter(header).be32(kMagic);
    ByteWriter(header).u8(kVersion);
    MIMIR_TRY(file.append(header));
    MIMIR_TRY(s.write_symbols(file));
    MIMIR_TRY(const auto spooled, s.files.map(s.dir / kSpoolName));
    MIMIR_TRY(s.write_series(file, spooled->bytes()));
    MIMIR_TRY(s.write_postings(file));
    MIMIR_TRY(s.write_table_of_contents(file));
    MIMIR_TRY(file.sync());
    return s.files.remove_file(s.dir / kSpoolName);
}

}  // namespace mimir::tsdb
