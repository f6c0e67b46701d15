#pragma once

#include <memory>
#include <optional>
#include <span>

#include "tsdb/block/block.hpp"

namespace mimir::tsdb {

/// Writes one block that holds all of the others. Chunks that do not overlap are taken over as they are; of samples
/// at one time one stays. Deleted samples are left out for good.
/// Errors: corrupt when a block is damaged; those of the file system. Then nothing changed.
Result<std::optional<BlockMeta>> merge_blocks(
    fs::FileSystem& files,
    const fs::Path& dir,
    Ulid ulid,
    std::span<const std::shared_ptr<const Block>> parents
);

}  // namespace mimir::tsdb
