#pragma once

#include <functional>
#include <memory>

#include "http/client.hpp"
#include "rpc/detail/frames.hpp"
#include "rpc/peer.hpp"

namespace mimir::rpc::detail {

struct FrameStreamOptions {
    std::size_t frame_bytes_limit = 0;
    /// Of the peer, for errors of its connection.
    std::string address;
    /// Ends the reading, early when the consumer goes. The stream's own.
    CancellationToken token;
    /// What an error of the answer, or of its connection, is for the caller. Runs on the event loop.
    std::function<Error(Error)> explain;
    /// Told once when no more is read: how the answer ended. Runs on the event loop.
    std::function<void(const Result<void>&)> on_end;
};

/// Reads frames ahead from a response with a body of frames; `opened` is told when the first has
/// come or the answer has ended: with its error, when it ended with one.
/// Threads: the response's strand, on which `opened` is told.
void open_frames(
    std::unique_ptr<http::ClientStream> response,
    FrameStreamOptions options,
    Done<std::unique_ptr<FrameStream>> opened
);

}  // namespace mimir::rpc::detail
