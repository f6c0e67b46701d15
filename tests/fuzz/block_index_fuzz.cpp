// A block's index: opened, selected from, and all that it names read; as found, and with checksums made right, so that
// what lies behind them is reached.

#include "base/assert.hpp"
#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"
#include "tsdb/index/index_reader.hpp"

namespace {

using namespace mimir;
using namespace mimir::tsdb;
using encoding::ByteReader;
using encoding::store_be;

class MappedString final : public fs::MappedFile {
  public:
    explicit MappedString(std::string bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] std::string_view bytes() const override { return bytes_; }

  private:
    std::string bytes_;
};

/// Makes the checksum behind `checked`, a part of the file, right if there is room for it.
void repair(std::string& file, std::string_view checked) {
    const auto end = static_cast<std::size_t>(checked.data() - file.data()) + checked.size();
    if (end + 4 <= file.size()) store_be(file.data() + end, encoding::crc32c(checked));
}

std::string_view section(const std::string& file, std::uint64_t offset) {
    if (offset > file.size()) return std::string_view(file).substr(file.size());
    ByteReader reader(std::string_view(file).substr(offset));
    const std::string_view content = reader.raw(reader.be32());
    return reader.ok() ? content : std::string_view(file).substr(file.size());
}

void repair_series(std::string& file, std::uint32_t series) {
    const std::uint64_t offset = std::uint64_t{series} * index_format::kSeriesAlignment;
    if (offset > file.size()) return;
    ByteReader reader(std::string_view(file).substr(offset));
    const std::string_view content = reader.string();
    if (reader.ok()) repair(file, content);
}

void repair_all(std::string& file) {
    if (file.size() < index_format::kTableOfContentsBytes) return;
    const std::size_t toc = file.size() - index_format::kTableOfContentsBytes;
    ByteReader offsets(std::string_view(file).substr(toc));
    const std::uint64_t symbols = offsets.be64();
    for (int i = 0; i < 4; ++i) offsets.be64();
    const std::uint64_t table = offsets.be64();
    repair(file, section(file, symbols));
    repair(file, section(file, table));
    ByteReader entries(section(file, table));
    for (std::uint32_t left = entries.be32(); left > 0 && entries.ok(); --left) {
        entries.u8();
        entries.string();
        entries.string();
        const std::string_view list = section(file, entries.uvarint());
        repair(file, list);
        ByteReader series(list);
        series.be32();
        while (series.remaining() >= 4) repair_series(file, series.be32());
    }
    repair(file, std::string_view(file).substr(toc, index_format::kTableOfContentsBytes - 4));
}

void read_all(const std::string& file) {
    const auto index = IndexReader::open(std::make_shared<MappedString>(file), "index");
    if (!index) return;
    const model::Matchers selectors[] = {
        {},
        {model::Matcher::equal("__name__", "up"),
         model::Matcher::create(model::MatchType::not_equal, "zone", "").value()},
        {model::Matcher::create(model::MatchType::regex, "pod", ".*1.*").value()},
    };
    IndexSeries read;
    for (const model::Matchers& matchers : selectors) {
        const auto series = select(*index, matchers);
        if (!series) continue;
        for (const std::uint32_t one : *series) {
            if (!index->read_series(one, read)) continue;
            const model::Labels canonical = model::LabelsBuilder(read.labels()).build();
            MIMIR_ASSERT(canonical == read.labels(), "labels that were read are canonical");
        }
    }
    for (const std::string_view name : index->label_names()) {
        static_cast<void>(index->visit_values(name, [](std::string_view, PostingsSource::List) {
            return Result<void>();
        }));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string file(reinterpret_cast<const char*>(data), size);
    read_all(file);
    repair_all(file);
    read_all(file);
    return 0;
}
