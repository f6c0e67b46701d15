#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/file_system.hpp"
#include "model/labels.hpp"
#include "tsdb/index/index_format.hpp"
#include "tsdb/index/matcher_selection.hpp"

namespace mimir::tsdb {

/// A series of an index. Reused from series to series of the same index: neighbours share most of their labels, which
/// are then copied instead of being looked up again.
class IndexSeries {
  public:
    [[nodiscard]] model::LabelsView labels() const {
        return model::LabelsView::from_canonical(labels_);
    }
    [[nodiscard]] const std::vector<ChunkMeta>& chunks() const { return chunks_; }

  private:
    friend class IndexReader;
    struct Label {
        std::uint64_t name = 0;  // symbols
        std::uint64_t value = 0;
        std::size_t end = 0;  // where in the canonical bytes it ends
    };

    std::string labels_;
    std::vector<Label> layout_;
    std::vector<ChunkMeta> chunks_;
    std::string last_labels_;
    std::vector<Label> last_layout_;
};

/// A block's index, read where it lies in memory. A series is known by its offset in the file,
/// divided by 16. Memory:  4 bytes for each symbol and each label; the rest is the mapped file.
/// Errors:  corrupt everywhere, naming file and offset: the bytes are not trusted. Symbols and
/// tables are checked at
///          open; postings and series, each with its checksum, when they are read.
/// Threads: any.
class IndexReader final : public PostingsSource {
  public:
    /// `path` is for messages.
    static Result<IndexReader> open(std::shared_ptr<const fs::MappedFile> file, fs::Path path);

    Result<void> read_series(std::uint32_t series, IndexSeries& out) const;
    /// Appends the series' chunks only.
    Result<void> read_chunks(std::uint32_t series, std::vector<ChunkMeta>& chunks) const;
    /// Sorted.
    [[nodiscard]] std::vector<std::string_view> label_names() const;
    [[nodiscard]] std::uint64_t bytes() const { return bytes_.size(); }

    // PostingsSource. Values are visited in order; lists are known by their offset in the file.
    [[nodiscard]] Result<std::optional<List>> find(std::string_view name, std::string_view value)
        const override;
    Result<void> visit_values(std::string_view name, const ValueVisitor& visit) const override;
    [[nodiscard]] std::size_t value_count(std::string_view name) const override;
    [[nodiscard]] std::size_t count(List list) const override;
    Result<void> append(List list, Postings& out) const override;
    Result<void> append_all(Postings& out) const override;
    [[nodiscard]] Result<std::string_view> label_value(std::uint32_t series, std::string_view name)
        const override;

  private:
    struct Section {
        std::uint64_t begin = 0;  // in the file, of the content
        std::string_view content;
    };
    /// The values of one label: a run of entries in the table of postings.
    struct Name {
        std::string_view name;
        std::uint32_t first = 0;
        std::uint32_t count = 0;
    };
    struct Entry {
        std::string_view value;
        std::uint64_t list = 0;
    };

    IndexReader(std::shared_ptr<const fs::MappedFile> file, fs::Path path);
    Result<index_format::TableOfContents> read_table_of_contents() const;
    Result<void> read_symbols(std::uint64_t offset);
    Result<void> read_postings_table(std::uint64_t offset);
    /// A section is a be32 length, the content, and its checksum, which this verifies.
    Result<Section> section(std::string_view what, std::uint64_t offset) const;
    Result<std::string_view> series_content(std::uint32_t series) const;
    [[nodiscard]] std::string_view symbol(std::uint64_t number) const;
    [[nodiscard]] const Name* find_name(std::string_view name) const;
    [[nodiscard]] Entry entry(std::uint32_t index) const;
    [[nodiscard]] tl::unexpected<Error> corrupt(std::string_view what, std::uint64_t offset) const;
    [[nodiscard]] tl::unexpected<Error> corrupt_series(std::uint32_t series) const;

    std::shared_ptr<const fs::MappedFile> file_;
    fs::Path path_;
    std::string_view bytes_;
    std::string_view symbols_content_;
    std::vector<std::uint32_t> symbols_;  // offsets in symbols_content_
    std::string_view postings_content_;
    std::vector<std::uint32_t> entries_;  // offsets in postings_content_, of the entries' values
    std::vector<Name> names_;             // sorted
};

}  // namespace mimir::tsdb
