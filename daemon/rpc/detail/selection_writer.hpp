#pragma once

#include <memory>
#include <optional>
#include <string>

#include "model/label_projection.hpp"
#include "rpc/ordered_series_set.hpp"

namespace mimir::rpc::detail {

/// How a selection is written.
struct SelectionForm {
    /// The labels to write; none: all.
    std::optional<model::LabelProjection> labels = {};
    /// The reader needs no order.
    bool any_order = false;
};

/// Makes the frames of a selection: labels of all series, then chunks. Frames are small enough to be read
/// on an event loop.
/// Threads: one at a time; loading chunks blocks for the disk.
class SelectionWriter {
  public:
    explicit SelectionWriter(std::unique_ptr<chunkenc::SeriesSet> set, SelectionForm form = {});

    /// Replaces the frame's content by the next one's; it is empty after the last.
    /// Errors: those of loading.
    Result<void> next(std::string& frame);

  private:
    void add_labels(std::string& frame);
    Result<void> add_chunks(std::string& frame);

    const SelectionForm form_;
    std::unique_ptr<chunkenc::SeriesSet> set_;         // in the order in which it is written
    const IdentifiedSeriesSet* identified_ = nullptr;  // the same, when ids are written
    std::string projected_;
    std::string ids_;
    bool begun_ = false;
    std::size_t labels_done_ = 0;
    std::size_t chunks_done_ = 0;  // series of which the chunks are written
    chunkenc::ChunkBatch batch_;
    std::size_t batch_begin_ = 0;
    std::size_t batch_end_ = 0;
};

}  // namespace mimir::rpc::detail
