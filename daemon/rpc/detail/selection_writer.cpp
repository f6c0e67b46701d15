#include "rpc/detail/selection_writer.hpp"

#include <algorithm>

#include "wire/ingester_messages.hpp"

namespace mimir::rpc::detail {
namespace {

/// Some hundred label sets: the reader checks them on its event loop.
constexpr std::size_t kLabelsFrameBytes = 64 << 10;
constexpr std::size_t kFrameBytes = 256 << 10;
/// Series whose chunks are loaded at once. The order here is another than that of memory: a selection of no
/// more series is loaded in the latter, which costs a fraction of loading each alone.
constexpr std::size_t kBatchSeries = 8192;

}  // namespace

Result<void> SelectionWriter::next(std::string& frame) {
    frame.clear();
    if (!begun_) {
        begun_ = true;
        wire::append_series_count(set_.count(), frame);
    }
    add_labels(frame);
    if (labels_done_ < set_.count()) return {};
    return add_chunks(frame);
}

void SelectionWriter::add_labels(std::string& frame) {
    while (labels_done_ < set_.count() && frame.size() < kLabelsFrameBytes) {
        wire::append_series_labels(set_.labels(labels_done_++), frame);
    }
}

Result<void> SelectionWriter::add_chunks(std::string& frame) {
    while (chunks_done_ < set_.count() && frame.size() < kFrameBytes) {
        if (chunks_done_ == batch_end_) {
            batch_begin_ = batch_end_;
            batch_end_ = std::min(batch_begin_ + kBatchSeries, set_.count());
            MIMIR_TRY(set_.load(batch_begin_, batch_end_ - batch_begin_, batch_));
        }
        for (const auto& chunk : batch_.chunks_of(chunks_done_ - batch_begin_)) {
            wire::append_series_chunk(
                {.series = chunks_done_,
                 .chunk =
                     {.range = chunk.range,
                      .encoding = static_cast<std::uint8_t>(chunk.encoding),
                      .data = chunk.data}},
                frame
            );
        }
        ++chunks_done_;
    }
    return {};
}

}  // namespace mimir::rpc::detail
