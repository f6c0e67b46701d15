#include "rpc/detail/selection_writer.hpp"

#include <algorithm>

#include "encoding/bytes.hpp"
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

SelectionWriter::SelectionWriter(std::unique_ptr<chunkenc::SeriesSet> set, SelectionForm form)
    : form_(std::move(form)) {
    if (form_.any_order) {
        set_ = std::move(set);
    } else if (form_.labels) {
        auto ordered = std::make_unique<OrderedByIdSet>(std::move(set));
        identified_ = ordered.get();
        set_ = std::move(ordered);
    } else {
        set_ = std::make_unique<OrderedSeriesSet>(std::move(set));
    }
}

Result<void> SelectionWriter::next(std::string& frame) {
    using Order = wire::SelectionOrder;
    frame.clear();
    if (!begun_) {
        begun_ = true;
        const Order of_keys = identified_ != nullptr ? Order::by_id : Order::by_labels;
        wire::append_series_count(set_->count(), form_.any_order ? Order::any : of_keys, frame);
    }
    add_labels(frame);
    if (labels_done_ < set_->count()) return {};
    return add_chunks(frame);
}

void SelectionWriter::add_labels(std::string& frame) {
    ids_.clear();
    while (labels_done_ < set_->count() && frame.size() < kLabelsFrameBytes) {
        model::LabelsView labels = set_->labels(labels_done_);
        if (form_.labels) {
            form_.labels->copy(labels, projected_);
            labels = model::LabelsView::from_canonical(projected_);
        }
        wire::append_series_labels(labels, frame);
        if (identified_ != nullptr) {
            const SeriesId id = identified_->id(labels_done_);
            encoding::ByteWriter writer(ids_);
            writer.be64(id.high);
            writer.be64(id.low);
        }
        ++labels_done_;
    }
    if (!ids_.empty()) wire::append_series_ids(ids_, frame);
}

Result<void> SelectionWriter::add_chunks(std::string& frame) {
    while (chunks_done_ < set_->count() && frame.size() < kFrameBytes) {
        if (chunks_done_ == batch_end_) {
            batch_begin_ = batch_end_;
            batch_end_ = std::min(batch_begin_ + kBatchSeries, set_->count());
            MIMIR_TRY(set_->load(batch_begin_, batch_end_ - batch_begin_, batch_));
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
