#pragma once

#include <memory>

#include "chunkenc/series_set.hpp"
#include "rpc/done.hpp"
#include "rpc/peer.hpp"

namespace mimir::rpc::detail {

/// Reads the labels of a selection from the stream's first frames, on its strand; the set that `done` gets
/// then reads the chunks, forward only, as they are loaded.
/// Errors: those of the stream; corrupt for frames that are no selection, or in another order than that of
///         SeriesKey; limit for more than labels_bytes_limit bytes of labels.
void read_selection(
    std::unique_ptr<FrameStream> stream,
    std::size_t labels_bytes_limit,
    Done<std::unique_ptr<chunkenc::SeriesSet>> done
);

}  // namespace mimir::rpc::detail
