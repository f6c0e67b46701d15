#include "tsdb/block/block.hpp"

#include <algorithm>
#include <set>

#include "tsdb/block/block_series_set.hpp"
#include "tsdb/block/rewrite_chunks.hpp"

namespace mimir::tsdb {
namespace {

Result<BlockMeta> read_meta(const fs::FileSystem& files, const fs::Path& dir) {
    const fs::Path path = dir / kMetaFileName;
    MIMIR_TRY(const std::string json, files.read_file(path));
    MIMIR_TRY(auto meta, with_context(parse_block_meta(json), path.string()));
    if (meta.ulid.str() != dir.filename().string()) {
        return fail(ErrorKind::corrupt, "{}: belongs to block {}", path.string(), meta.ulid.str());
    }
    return meta;
}

Result<Tombstones> read_tombstones(const fs::FileSystem& files, const fs::Path& dir) {
    const fs::Path path = dir / kTombstonesFileName;
    if (!files.exists(path)) return Tombstones();
    MIMIR_TRY(const std::string file, files.read_file(path));
    return with_context(parse_tombstones(file), path.string());
}

}  // namespace

Result<std::shared_ptr<const Block>> Block::open(const fs::FileSystem& files, fs::Path dir) {
    MIMIR_TRY(BlockMeta meta, read_meta(files, dir));
    const fs::Path index_path = dir / index_format::kFileName;
    MIMIR_TRY(auto index_file, files.map(index_path));
    MIMIR_TRY(IndexReader index, IndexReader::open(std::move(index_file), index_path));
    MIMIR_TRY(ChunkReader chunks, ChunkReader::open(files, dir / kChunksDirName));
    MIMIR_TRY(Tombstones tombstones, read_tombstones(files, dir));
    return std::make_shared<const Block>(
        Private(),
        std::move(dir),
        std::move(meta),
        std::move(index),
        std::move(chunks),
        std::move(tombstones)
    );
}

Block::Block(
    Private /*only open() makes blocks*/,
    fs::Path dir,
    BlockMeta meta,
    IndexReader index,
    ChunkReader chunks,
    Tombstones tombstones
)
    : dir_(std::move(dir)),
      meta_(std::move(meta)),
      index_(std::move(index)),
      chunks_(std::move(chunks)),
      tombstones_(std::move(tombstones)) {}

Result<std::unique_ptr<BlockSeriesSet>> Block::select(
    const model::Matchers& matchers, TimeRange range
) const {
    auto set = std::make_unique<BlockSeriesSet>(shared_from_this(), range);
    if (meta_.range().overlaps(range)) {
        MIMIR_TRY(const Postings postings, tsdb::select(index_, matchers));
        MIMIR_TRY(set->add(postings));
    }
    return set;
}

Result<void> Block::load_chunks(
    std::uint32_t series,
    std::span<const ChunkMeta> metas,
    TimeRange range,
    chunkenc::ChunkBatch& memory,
    std::vector<chunkenc::ChunkView>& out
) const {
    const auto deleted = tombstones_.find(series);
    for (const ChunkMeta& meta : metas) {
        if (!meta.range.overlaps(range)) continue;
        MIMIR_TRY(const chunkenc::ChunkView chunk, chunks_.read(meta));
        if (deleted == tombstones_.end()) {
            out.push_back(chunk);
        } else {
            MIMIR_TRY(rewrite_chunks({&chunk, 1}, {.drop = deleted->second}, memory, out));
        }
    }
    return {};
}

Result<std::vector<std::string>> Block::label_names(const model::Matchers& matchers) const {
    if (matchers.empty()) {
        const auto names = index_.label_names();
        return std::vector<std::string>(names.begin(), names.end());
    }
    MIMIR_TRY(const Postings postings, tsdb::select(index_, matchers));
    std::set<std::string, std::less<>> names;
    IndexSeries series;
    for (const std::uint32_t one : postings) {
        MIMIR_TRY(index_.read_series(one, series));
        for (const model::Label label : series.labels()) {
            if (names.find(label.name) == names.end()) names.emplace(label.name);
        }
    }
    return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> Block::label_values(
    std::string_view name, const model::Matchers& matchers
) const {
    std::vector<std::string> values;
    if (matchers.empty()) {
        const auto take = [&](std::string_view value, PostingsSource::List) -> Result<void> {
            values.emplace_back(value);
            return {};
        };
        MIMIR_TRY(index_.visit_values(name, take));
        return values;
    }
    MIMIR_TRY(const Postings postings, tsdb::select(index_, matchers));
    std::vector<std::string_view> found;
    for (const std::uint32_t series : postings) {
        MIMIR_TRY(const std::string_view value, index_.label_value(series, name));
        if (!value.empty()) found.push_back(value);
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace mimir::tsdb
