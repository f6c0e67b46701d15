#include "tsdb/index/index_reader.hpp"

#include <algorithm>
#include <ranges>

#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"

namespace mimir::tsdb {
namespace {

using encoding::ByteReader;
using encoding::load_be;
using namespace index_format;

/// Reads the chunks of a series' entry; false when they do not fit the bytes.
bool parse_chunks(ByteReader& reader, std::vector<ChunkMeta>& chunks) {
    const std::uint64_t count = reader.uvarint();
    std::uint64_t time = 0;
    std::uint64_t ref = 0;
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        // Differences wrap round: an overlap of chunks is a negative gap.
        const std::uint64_t min =
            i == 0 ? static_cast<std::uint64_t>(reader.varint()) : time + reader.uvarint();
        time = min + reader.uvarint();
        ref = i == 0 ? reader.uvarint() : ref + static_cast<std::uint64_t>(reader.varint());
        chunks.push_back({
            {{static_cast<std::int64_t>(min)}, {static_cast<std::int64_t>(time)}},
            static_cast<ChunkRef>(ref),
        });
    }
    return reader.ok();
}

}  // namespace

IndexReader::IndexReader(std::shared_ptr<const fs::MappedFile> file, fs::Path path)
    : file_(std::move(file)), path_(std::move(path)), bytes_(file_->bytes()) {}

tl::unexpected<Error> IndexReader::corrupt(std::string_view what, std::uint64_t offset) const {
    return fail(ErrorKind::corrupt, "{}: bad {} at byte {}", path_.string(), what, offset);
}

tl::unexpected<Error> IndexReader::corrupt_series(std::uint32_t series) const {
    return corrupt("series", std::uint64_t{series} * kSeriesAlignment);
}

Result<IndexReader> IndexReader::open(std::shared_ptr<const fs::MappedFile> file, fs::Path path) {
    IndexReader reader(std::move(file), std::move(path));
    if (reader.bytes_.size() < kHeaderBytes + kTableOfContentsBytes) {
        return reader.corrupt("length", reader.bytes_.size());
    }
    ByteReader header(reader.bytes_);
    if (header.be32() != kMagic) return reader.corrupt("magic number", 0);
    if (header.u8() != kVersion) return reader.corrupt("version", 4);
    MIMIR_TRY(const TableOfContents toc, reader.read_table_of_contents());
    MIMIR_TRY(reader.read_symbols(toc.symbols));
    MIMIR_TRY(reader.read_postings_table(toc.postings_offset_table));
    return reader;
}

Result<TableOfContents> IndexReader::read_table_of_contents() const {
    const std::uint64_t offset = bytes_.size() - kTableOfContentsBytes;
    const std::string_view bytes = bytes_.substr(offset);
    ByteReader reader(bytes);
    TableOfContents toc{
        .symbols = reader.be64(),
        .series = reader.be64(),
        .label_indices = reader.be64(),
        .label_offset_table = reader.be64(),
        .postings = reader.be64(),
        .postings_offset_table = reader.be64(),
    };
    if (encoding::crc32c(bytes.substr(0, bytes.size() - kChecksumBytes)) != reader.be32()) {
        return corrupt("table of contents", offset);
    }
    return toc;
}

Result<IndexReader::Section> IndexReader::section(std::string_view what, std::uint64_t offset)
    const {
    if (offset > bytes_.size()) return corrupt(what, offset);
    ByteReader reader(bytes_.substr(offset));
    const std::string_view content = reader.raw(reader.be32());
    const std::uint32_t checksum = reader.be32();
    if (!reader.ok() || encoding::crc32c(content) != checksum) return corrupt(what, offset);
    return Section{offset + 4, content};
}

Result<void> IndexReader::read_symbols(std::uint64_t offset) {
    MIMIR_TRY(const Section symbols, section("symbol table", offset));
    symbols_content_ = symbols.content;
    ByteReader reader(symbols_content_);
    const std::uint32_t count = reader.be32();
    symbols_.reserve(std::min<std::size_t>(count, reader.remaining()));
    std::string_view last;
    for (std::uint32_t i = 0; i < count; ++i) {
        symbols_.push_back(static_cast<std::uint32_t>(symbols_content_.size() - reader.remaining())
        );
        const std::string_view symbol = reader.string();
        if (!reader.ok() || (i > 0 && symbol <= last)) return corrupt("symbol table", offset);
        last = symbol;
    }
    return {};
}

Result<void> IndexReader::read_postings_table(std::uint64_t offset) {
    MIMIR_TRY(const Section table, section("table of postings", offset));
    postings_content_ = table.content;
    ByteReader reader(postings_content_);
    const std::uint32_t count = reader.be32();
    entries_.reserve(std::min<std::size_t>(count, reader.remaining()));
    std::string_view last_value;
    for (std::uint32_t i = 0; i < count; ++i) {
        const bool has_two_strings = reader.u8() == 2;
        const std::string_view name = reader.string();
        entries_.push_back(static_cast<std::uint32_t>(postings_content_.size() - reader.remaining())
        );
        const std::string_view value = reader.string();
        reader.uvarint();
        const bool same_name = !names_.empty() && names_.back().name == name;
        const bool ascends =
            same_name ? last_value < value : names_.empty() || names_.back().name < name;
        if (!reader.ok() || !has_two_strings || !ascends)
            return corrupt("table of postings", offset);
        if (!same_name) names_.push_back({name, i, 0});
        ++names_.back().count;
        last_value = value;
    }
    return {};
}

std::string_view IndexReader::symbol(std::uint64_t number) const {
    return ByteReader(symbols_content_.substr(symbols_[number])).string();
}

Result<std::string_view> IndexReader::series_content(std::uint32_t series) const {
    const std::uint64_t offset = std::uint64_t{series} * kSeriesAlignment;
    if (offset > bytes_.size()) return corrupt("series", offset);
    ByteReader reader(bytes_.substr(offset));
    const std::string_view content = reader.string();
    const std::uint32_t checksum = reader.be32();
    if (!reader.ok() || encoding::crc32c(content) != checksum) return corrupt("series", offset);
    return content;
}

Result<void> IndexReader::read_series(std::uint32_t series, IndexSeries& out) const {
    MIMIR_TRY(const std::string_view content, series_content(series));
    ByteReader reader(content);
    out.labels_.swap(out.last_labels_);
    out.layout_.swap(out.last_layout_);
    out.labels_.clear();
    out.layout_.clear();
    out.chunks_.clear();
    std::size_t last_begin = 0;
    std::uint64_t next_name = 0;  // canonical form: names ascend, as symbols do
    for (std::uint64_t left = reader.uvarint(); left > 0; --left) {
        const std::uint64_t name = reader.uvarint();
        const std::uint64_t value = reader.uvarint();
        if (!reader.ok() || name < next_name || name >= symbols_.size() ||
            value >= symbols_.size()) {
            return corrupt_series(series);
        }
        next_name = name + 1;
        const std::size_t index = out.layout_.size();
        const bool has_last = index < out.last_layout_.size();
        const auto last = has_last ? out.last_layout_[index] : IndexSeries::Label{};
        if (has_last && last.name == name && last.value == value) {
            out.labels_.append(out.last_labels_, last_begin, last.end - last_begin);
        } else {
            const model::Label label{symbol(name), symbol(value)};
            if (label.name.empty() || label.value.empty()) return corrupt_series(series);
            model::append_label(out.labels_, label);
        }
        last_begin = last.end;
        out.layout_.push_back({name, value, out.labels_.size()});
    }
    return parse_chunks(reader, out.chunks_) ? Result<void>() : corrupt_series(series);
}

Result<void> IndexReader::read_chunks(std::uint32_t series, std::vector<ChunkMeta>& chunks) const {
    MIMIR_TRY(const std::string_view content, series_content(series));
    ByteReader reader(content);
    for (std::uint64_t left = reader.uvarint(); left > 0 && reader.ok(); --left) {
        reader.uvarint();
        reader.uvarint();
    }
    return parse_chunks(reader, chunks) ? Result<void>() : corrupt_series(series);
}

Result<std::string_view> IndexReader::label_value(std::uint32_t series, std::string_view name)
    const {
    MIMIR_TRY(const std::string_view content, series_content(series));
    ByteReader reader(content);
    for (std::uint64_t left = reader.uvarint(); left > 0 && reader.ok(); --left) {
        const std::uint64_t name_number = reader.uvarint();
        const std::uint64_t value_number = reader.uvarint();
        if (name_number >= symbols_.size() || value_number >= symbols_.size()) {
            return corrupt_series(series);
        }
        if (symbol(name_number) == name) return symbol(value_number);
    }
    return std::string_view();
}

std::vector<std::string_view> IndexReader::label_names() const {
    std::vector<std::string_view> names;
    for (const Name& name : names_) {
        if (!name.name.empty()) names.push_back(name.name);
    }
    return names;
}

const IndexReader::Name* IndexReader::find_name(std::string_view name) const {
    const auto at = std::ranges::lower_bound(names_, name, {}, &Name::name);
    return at != names_.end() && at->name == name ? &*at : nullptr;
}

IndexReader::Entry IndexReader::entry(std::uint32_t index) const {
    ByteReader reader(postings_content_.substr(entries_[index]));
    const std::string_view value = reader.string();
    return {value, reader.uvarint()};
}

Result<std::optional<PostingsSource::List>> IndexReader::find(
    std::string_view name, std::string_view value
) const {
    const Name* known = find_name(name);
    if (known == nullptr) return std::nullopt;
    const auto run = std::views::iota(known->first, known->first + known->count);
    const auto value_of = [&](std::uint32_t index) { return entry(index).value; };
    const auto at = std::ranges::lower_bound(run, value, {}, value_of);
    if (at == run.end() || value_of(*at) != value) return std::nullopt;
    return static_cast<List>(entry(*at).list);
}

Result<void> IndexReader::visit_values(std::string_view name, const ValueVisitor& visit) const {
    const Name* known = find_name(name);
    if (known == nullptr) return {};
    for (std::uint32_t i = 0; i < known->count; ++i) {
        const Entry one = entry(known->first + i);
        MIMIR_TRY(visit(one.value, static_cast<List>(one.list)));
    }
    return {};
}

std::size_t IndexReader::value_count(std::string_view name) const {
    const Name* known = find_name(name);
    return known == nullptr ? 0 : known->count;
}

std::size_t IndexReader::count(List list) const {
    const auto offset = static_cast<std::uint64_t>(list);
    // Out of bounds is reported by append.
    if (offset > bytes_.size() || bytes_.size() - offset < 8) return 1;
    return load_be<std::uint32_t>(bytes_.data() + offset + 4);
}

Result<void> IndexReader::append(List list, Postings& out) const {
    const auto offset = static_cast<std::uint64_t>(list);
    MIMIR_TRY(const Section postings, section("postings", offset));
    ByteReader reader(postings.content);
    const std::uint32_t count = reader.be32();
    if (reader.remaining() != count * sizeof(std::uint32_t)) return corrupt("postings", offset);
    const char* from = reader.rest().data();
    const std::size_t begin = out.size();
    out.resize(begin + count);
    for (std::size_t i = 0; i < count; ++i) {
        out[begin + i] = load_be<std::uint32_t>(from + i * sizeof(std::uint32_t));
    }
    return {};
}

Result<void> IndexReader::append_all(Postings& out) const {
    MIMIR_TRY(const auto list, find({}, {}));
    return list ? append(*list, out) : Result<void>();
}

}  // namespace mimir::tsdb
