#include "tsdb/db.hpp"

#include <algorithm>

#include "tsdb/block/block.hpp"
#include "tsdb/block/block_series_set.hpp"
#include "tsdb/block/block_writer.hpp"
#include "tsdb/merged_series_set.hpp"

namespace mimir::tsdb {
namespace {

constexpr std::string_view kLockName = "lock";
constexpr std::string_view kQuarantineName = "quarantine";
constexpr std::string_view kOutOfOrderHint = "from-out-of-order";

/// Where the blocks cut from the head end; what is older is theirs. Blocks of late samples say nothing of that.
TimestampMs end_of_blocks(std::span<const std::shared_ptr<const Block>> blocks) {
    TimestampMs end = TimestampMs::min();
    for (const auto& block : blocks) {
        const auto& hints = block->meta().origin.hints;
        const bool late = std::find(hints.begin(), hints.end(), kOutOfOrderHint) != hints.end();
        if (!late) end = std::max(end, block->meta().max_time);
    }
    return end;
}

void sort_unique(std::vector<std::string>& strings) {
    std::sort(strings.begin(), strings.end());
    strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
}

}  // namespace

Result<std::unique_ptr<Tsdb>> Tsdb::open(
    TsdbEnvironment environment, fs::Path dir, TsdbOptions options
) {
    MIMIR_TRY(environment.files.create_directories(dir));
    std::unique_ptr<Tsdb> db(new Tsdb(std::move(environment), std::move(dir), std::move(options)));
    MIMIR_TRY(db->lock_, db->environment_.files.lock(db->dir_ / kLockName));
    MIMIR_TRY(db->open_blocks());
    MIMIR_TRY(db->open_head());
    return db;
}

Tsdb::Tsdb(TsdbEnvironment environment, fs::Path dir, TsdbOptions options)
    : environment_(std::move(environment)),
      dir_(std::move(dir)),
      options_(std::move(options)),
      blocks_(std::make_shared<const Blocks>()),
      random_(environment_.random_seed) {}

Tsdb::~Tsdb() = default;

Result<void> Tsdb::open_blocks() {
    fs::FileSystem& files = environment_.files;
    MIMIR_TRY(const auto entries, files.list(dir_));
    Blocks blocks;
    std::set<Ulid> merged;  // a crash between writing a block and deleting its parents leaves both
    for (const fs::DirectoryEntry& entry : entries) {
        if (entry.name.ends_with(kCreationSuffix) || entry.name.ends_with(kDeletionSuffix)) {
            MIMIR_TRY(files.remove_all(dir_ / entry.name));
            environment_.log.warn(
                "unfinished block removed", {{"dir", dir_}, {"block", entry.name}}
            );
        } else if (Ulid::parse(entry.name)) {
            auto block = Block::open(files, dir_ / entry.name);
            if (block) {
                for (const BlockParent& parent : (*block)->meta().origin.parents) {
                    merged.insert(parent.ulid);
                }
                blocks.push_back(*std::move(block));
            } else if (block.error().kind == ErrorKind::corrupt ||
                       block.error().kind == ErrorKind::not_found) {
                MIMIR_TRY(quarantine(entry.name, block.error()));
            } else {
                return tl::unexpected(block.error());
            }
        }
    }
    const auto superseded = std::partition(blocks.begin(), blocks.end(), [&](const auto& block) {
        return !merged.contains(block->meta().ulid);
    });
    for (auto at = superseded; at != blocks.end(); ++at) MIMIR_TRY(delete_block(**at));
    blocks.erase(superseded, blocks.end());
    sort_by_start(blocks);
    blocks_.store(std::make_shared<const Blocks>(std::move(blocks)));
    return {};
}

void Tsdb::sort_by_start(Blocks& blocks) {
    std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) {
        return std::pair(a->meta().min_time, a->meta().ulid) <
               std::pair(b->meta().min_time, b->meta().ulid);
    });
}

Result<void> Tsdb::quarantine(const std::string& name, const Error& reason) {
    fs::FileSystem& files = environment_.files;
    const fs::Path quarantine_dir = dir_ / kQuarantineName;
    MIMIR_TRY(files.create_directories(quarantine_dir));
    fs::Path target = quarantine_dir / name;
    for (int n = 2; files.exists(target); ++n)
        target = quarantine_dir / fmt::format("{}.{}", name, n);
    MIMIR_TRY(files.rename(dir_ / name, target));
    MIMIR_TRY(files.sync_dir(quarantine_dir));
    MIMIR_TRY(files.sync_dir(dir_));
    environment_.metrics.blocks_quarantined.inc();
    environment_.log.error(
        "damaged block set aside", {{"block", name}, {"to", target}, {"err", reason}}
    );
    return {};
}

Result<void> Tsdb::open_head() {
    cut_through_ = end_of_blocks(*blocks_.load());
    HeadOptions options = options_.head;
    options.min_valid_time = cut_through_;
    MIMIR_TRY(head_, Head::open(environment_.files, dir_, std::move(options)));
    const ReplayReport& report = head_->replay_report();
    environment_.metrics.wal_corruptions.add(report.damages.size());
    for (const std::string& damage : report.damages) {
        environment_.log.warn(
            "damaged file repaired or set aside", {{"dir", dir_}, {"err", damage}}
        );
    }
    return {};
}

Result<AppendOutcome> Tsdb::append(const model::WriteRequest& request, const AppendLimits& limits) {
    return head_->append(request, limits);
}

Result<void> Tsdb::sync() { return head_->sync(); }

Result<std::vector<std::unique_ptr<BlockSeriesSet>>> Tsdb::select_from_blocks(
    const model::Matchers& matchers, TimeRange range
) const {
    std::vector<std::unique_ptr<BlockSeriesSet>> sets;
    const auto blocks = blocks_.load();
    for (const auto& block : *blocks) {
        if (!block->meta().range().overlaps(range)) continue;
        MIMIR_TRY(auto set, block->select(matchers, range));
        sets.push_back(std::move(set));
    }
    return sets;
}

Result<std::unique_ptr<chunkenc::SeriesSet>> Tsdb::select(
    const model::Matchers& matchers, TimeRange range
) {
    // The head first: what it no longer has by then, a block has that the list shows.
    MIMIR_TRY(auto in_head, head_->select(matchers, range));
    MIMIR_TRY(auto in_blocks, select_from_blocks(matchers, range));
    return merge_series_sets(std::move(in_head), std::move(in_blocks));
}

Result<std::vector<model::Labels>> Tsdb::series(
    std::span<const model::Matchers> selectors, TimeRange range
) {
    std::vector<model::Labels> found;
    for (const model::Matchers& matchers : selectors) {
        MIMIR_TRY(const auto set, select(matchers, range));
        for (std::size_t i = 0; i < set->count(); ++i) found.emplace_back(set->labels(i));
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

Result<std::vector<std::string>> Tsdb::label_names(
    const model::Matchers& matchers, TimeRange range
) {
    MIMIR_TRY(auto names, head_->label_names(matchers, range));
    const auto blocks = blocks_.load();
    for (const auto& block : *blocks) {
        if (!block->meta().range().overlaps(range)) continue;
        MIMIR_TRY(auto more, block->label_names(matchers));
        std::move(more.begin(), more.end(), std::back_inserter(names));
    }
    sort_unique(names);
    return names;
}

Result<std::vector<std::string>> Tsdb::label_values(
    std::string_view name, const model::Matchers& matchers, TimeRange range
) {
    MIMIR_TRY(auto values, head_->label_values(name, matchers, range));
    const auto blocks = blocks_.load();
    for (const auto& block : *blocks) {
        if (!block->meta().range().overlaps(range)) continue;
        MIMIR_TRY(auto more, block->label_values(name, matchers));
        std::move(more.begin(), more.end(), std::back_inserter(values));
    }
    sort_unique(values);
    return values;
}

std::vector<SeriesExemplars> Tsdb::exemplars(
    std::span<const model::Matchers> selectors, TimeRange range
) const {
    return head_->exemplars(selectors, range);
}

std::vector<BlockMeta> Tsdb::blocks() const {
    std::vector<BlockMeta> metas;
    const auto blocks = blocks_.load();
    for (const auto& block : *blocks) metas.push_back(block->meta());
    return metas;
}

TsdbStats Tsdb::stats() const {
    const auto blocks = blocks_.load();
    TsdbStats stats{.head = head_->stats(), .blocks = blocks->size()};
    for (const auto& block : *blocks) stats.block_bytes += block->bytes();
    return stats;
}

}  // namespace mimir::tsdb
