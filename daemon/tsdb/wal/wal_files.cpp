#include "tsdb/wal/wal_files.hpp"

#include <algorithm>
#include <charconv>

namespace mimir::tsdb {
namespace {

constexpr std::string_view kCheckpointPrefix = "checkpoint.";
constexpr std::size_t kSegmentDigits = 8;

std::optional<std::uint32_t> parse_segment_name(std::string_view name) {
    std::uint32_t number = 0;
    const char* end = name.data() + name.size();
    const auto [at, error] = std::from_chars(name.data(), end, number);
    if (name.size() < kSegmentDigits || error != std::errc{} || at != end) return std::nullopt;
    return number;
}

Result<std::vector<fs::DirectoryEntry>> entries(const fs::FileSystem& files, const fs::Path& dir) {
    if (!files.exists(dir)) return std::vector<fs::DirectoryEntry>{};
    return files.list(dir);
}

}  // namespace

std::string segment_name(std::uint32_t number) { return fmt::format("{:08}", number); }
std::string checkpoint_name(std::uint32_t through) {
    return fmt::format("{}{:08}", kCheckpointPrefix, through);
}

Result<std::vector<WalSegment>> list_segments(const fs::FileSystem& files, const fs::Path& dir) {
    MIMIR_TRY(const auto all, entries(files, dir));
    std::vector<WalSegment> segments;
    for (const fs::DirectoryEntry& entry : all) {
        if (const auto number = parse_segment_name(entry.name); number && !entry.is_directory) {
            segments.push_back({.number = *number, .path = dir / entry.name});
        }
    }
    std::ranges::sort(segments, {}, &WalSegment::number);
    return segments;
}

Result<std::vector<WalCheckpoint>> list_checkpoints(
    const fs::FileSystem& files, const fs::Path& dir
) {
    MIMIR_TRY(const auto all, entries(files, dir));
    std::vector<WalCheckpoint> checkpoints;
    for (const fs::DirectoryEntry& entry : all) {
        if (!entry.is_directory || !entry.name.starts_with(kCheckpointPrefix)) continue;
        const auto digits = std::string_view(entry.name).substr(kCheckpointPrefix.size());
        if (const auto through = parse_segment_name(digits)) {
            checkpoints.push_back({.through = *through, .path = dir / entry.name});
        }
    }
    std::ranges::sort(checkpoints, {}, &WalCheckpoint::through);
    return checkpoints;
}

Result<WalContents> list_wal(const fs::FileSystem& files, const fs::Path& dir) {
    WalContents contents;
    MIMIR_TRY(contents.segments, list_segments(files, dir));
    MIMIR_TRY(const auto checkpoints, list_checkpoints(files, dir));
    if (checkpoints.empty()) return contents;
    contents.checkpoint = checkpoints.back();
    MIMIR_TRY(contents.checkpoint_segments, list_segments(files, contents.checkpoint->path));
    std::erase_if(contents.segments, [&](const WalSegment& segment) {
        return segment.number <= contents.checkpoint->through;
    });
    return contents;
}

Result<void> repair_segment(
    fs::FileSystem& files, const WalSegment& segment, std::uint64_t good_end
) {
    MIMIR_TRY(const auto content, files.read_file(segment.path));
    fs::Path aside = segment.path;
    aside += kDamagedSuffix;
    MIMIR_TRY(fs::write_file_atomically(files, aside, std::string_view(content).substr(good_end)));
    MIMIR_TRY(auto file, files.open_writable(segment.path, fs::FileSystem::OpenMode::append));
    MIMIR_TRY(file->truncate(good_end));
    return file->sync();
}

}  // namespace mimir::tsdb
