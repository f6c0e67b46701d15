#pragma once

#include <memory>
#include <string>

#include "rpc/ordered_series_set.hpp"

namespace mimir::rpc::detail {

/// Makes the frames of a selection: labels of all series, then chunks. Frames are small enough to be read
/// on an event loop.
/// Threads: one at a time; loading chunks blocks for the disk.
class SelectionWriter {
  public:
    explicit SelectionWriter(std::unique_ptr<chunkenc::SeriesSet> set) : set_(std::move(set)) {}

    /// Replaces the frame's content by the next one's; it is empty after the last.
    /// Errors: those of loading.
    Result<void> next(std::string& frame);

  private:
    void add_labels(std::string& frame);
    Result<void> add_chunks(std::string& frame);

    OrderedSeriesSet set_;
    bool begun_ = false;
    std::size_t labels_done_ = 0;
    std::size_t chunks_done_ = 0;  // series of which the chunks are written
    chunkenc::ChunkBatch batch_;
    std::size_t batch_begin_ = 0;
    std::size_t batch_end_ = 0;
};

}  // namespace mimir::rpc::detail
