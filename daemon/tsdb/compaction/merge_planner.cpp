#include "tsdb/compaction/merge_planner.hpp"

#include <algorithm>

namespace mimir::tsdb {
namespace {

using Indices = std::vector<std::size_t>;

Indices first_overlapping(std::span<const BlockMeta> blocks) {
    Indices group;
    TimestampMs end = TimestampMs::min();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (blocks[i].min_time >= end) {
            if (group.size() > 1) return group;
            group.clear();
        }
        group.push_back(i);
        end = std::max(end, blocks[i].max_time);
    }
    return group.size() > 1 ? group : Indices();
}

Indices first_full_window(std::span<const BlockMeta> blocks, std::chrono::milliseconds range) {
    if (blocks.empty()) return {};
    const TimestampMs newest = blocks.back().max_time;  // none overlap, so the last ends last
    for (std::size_t i = 0; i < blocks.size();) {
        const TimestampMs start = window_start(blocks[i].min_time, range);
        const TimestampMs end = start + range;
        Indices group;
        for (; i < blocks.size() && blocks[i].min_time < end; ++i) {
            if (blocks[i].max_time <= end) group.push_back(i);
        }
        if (group.size() > 1 && end <= newest) return group;
    }
    return {};
}

}  // namespace

TimestampMs window_start(TimestampMs time, std::chrono::milliseconds range) {
    const std::int64_t into = time.ms % range.count();
    return {time.ms - (into < 0 ? into + range.count() : into)};
}

std::vector<std::size_t> plan_merge(
    std::span<const BlockMeta> blocks, std::span<const std::chrono::milliseconds> ranges
) {
    if (Indices group = first_overlapping(blocks); !group.empty()) return group;
    for (const std::chrono::milliseconds range : ranges) {
        if (Indices group = first_full_window(blocks, range); !group.empty()) return group;
    }
    return {};
}

}  // namespace mimir::tsdb
