#include "chunkenc/series_set.hpp"

#include <cstring>

namespace mimir::chunkenc {

void ChunkBatch::clear() {
    series_begin_.clear();
    chunks_.clear();
    owners_.clear();
    large_.clear();
    blocks_used_ = 0;
    block_offset_ = 0;
}

std::string_view ChunkBatch::copy(std::string_view bytes) {
    char* to = nullptr;
    if (bytes.size() > kBlockBytes) {
        to = large_.emplace_back(std::make_unique_for_overwrite<char[]>(bytes.size())).get();
    } else {
        if (blocks_used_ == 0 || block_offset_ + bytes.size() > kBlockBytes) {
            if (blocks_used_ == blocks_.size()) {
                blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockBytes));
            }
            ++blocks_used_;
            block_offset_ = 0;
        }
        to = blocks_[blocks_used_ - 1].get() + block_offset_;
        block_offset_ += bytes.size();
    }
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return {to, bytes.size()};
}

}  // namespace mimir::chunkenc
