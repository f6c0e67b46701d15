#pragma once

// The names in a log's folder.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "fs/file_system.hpp"

namespace mimir::tsdb {

struct WalSegment {
    std::uint32_t number = 0;
    fs::Path path;
};

struct WalCheckpoint {
    std::uint32_t through = 0;  ///< The last segment that it replaces.
    fs::Path path;
};

/// "00000012"
std::string segment_name(std::uint32_t number);
/// "checkpoint.00000012"
std::string checkpoint_name(std::uint32_t through);

/// Ascending by number. None when the folder does not exist.
Result<std::vector<WalSegment>> list_segments(const fs::FileSystem& files, const fs::Path& dir);
Result<std::vector<WalCheckpoint>> list_checkpoints(
    const fs::FileSystem& files, const fs::Path& dir
);

/// What a replay reads, in order: the newest checkpoint's segments, then those of the log that it does not cover.
struct WalContents {
    std::optional<WalCheckpoint> checkpoint;
    std::vector<WalSegment> checkpoint_segments;
    std::vector<WalSegment> segments;
};
Result<WalContents> list_wal(const fs::FileSystem& files, const fs::Path& dir);

/// Cuts a damaged segment before its first bad record; the bytes cut off are kept beside it, as NNNNNNNN.damaged.
Result<void> repair_segment(
    fs::FileSystem& files, const WalSegment& segment, std::uint64_t good_end
);
inline constexpr std::string_view kDamagedSuffix = ".damaged";

}  // namespace mimir::tsdb
