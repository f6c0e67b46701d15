#pragma once

#include <memory>

#include "chunkenc/series_set.hpp"
#include "rpc/done.hpp"
#include "rpc/peer.hpp"

namespace mimir::rpc::detail {

/// What a selection's answer may be.
struct SelectionLimits {
    std::size_t labels_bytes = 0;
    /// By id: labels may be missing then.
    bool ids = false;
    bool any_order = false;
};

/// Reads the labels of a selection from the stream's first frames, on its strand; the set that `done` gets
/// then reads the chunks, forward only, as they are loaded.
/// It is an IdentifiedSeriesSet when the answer says that it is ordered by id.
/// Errors: those of the stream; corrupt for frames that are no selection, or in another order than they may be or say;
///         limit for more bytes of labels.
void read_selection(
    std::unique_ptr<FrameStream> stream,
    SelectionLimits limits,
    Done<std::unique_ptr<chunkenc::SeriesSet>> done
);

}  // namespace mimir::rpc::detail
