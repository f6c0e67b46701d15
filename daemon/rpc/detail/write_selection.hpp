#pragma once

#include <functional>
#include <memory>

#include "chunkenc/series_set.hpp"
#include "rpc/detail/selection_writer.hpp"
#include "rpc/peer.hpp"
#include "runtime/run_on.hpp"

namespace mimir::rpc::detail {

struct Selected {
    std::unique_ptr<chunkenc::SeriesSet> series = {};
    SelectionForm form = {};
};

/// Answers a call with the frames of a selection. The pool's threads begin it and make the frames; none is held while
/// the socket takes one.
http::asio::awaitable<Result<void>> write_selection(
    runtime::Pool& pool,
    const RequestContext& context,
    std::function<Result<Selected>()> begin,
    FrameWriter& frames
);

}  // namespace mimir::rpc::detail
