#include "rpc/detail/remote_series_set.hpp"

#include <boost/asio/co_spawn.hpp>

#include "base/assert.hpp"
#include "encoding/bytes.hpp"
#include "rpc/series_order.hpp"
#include "wire/ingester_messages.hpp"
#include "wire/labels.hpp"

namespace mimir::rpc::detail {
namespace {

using chunkenc::ChunkBatch;
using Frame = std::shared_ptr<const std::string>;

/// Memory is taken as labels come, not as their number is promised.
constexpr std::size_t kReserveSeriesMax = 1 << 16;

/// The labels of all series, in the order in which they were sent, and in the frames in which they came.
class LabelTable {
  public:
    explicit LabelTable(const SelectionLimits& limits) : limits_(limits) {}

    /// Whether the frame's labels are the last. Nothing has been taken yet of its chunks.
    /// `bytes`: what the frame points into.
    Result<bool> take(const wire::SelectionFrame& frame, const Frame& bytes) {
        if (!expected_) {
            if (!frame.series_count) return corrupt("does not say how many series it has");
            expected_ = *frame.series_count;
            order_ = frame.order;
            if (!may_be(order_)) return corrupt("is in an order that was not asked for");
            labels_.reserve(std::min<std::size_t>(*expected_, kReserveSeriesMax));
        } else if (frame.series_count) {
            return corrupt("says twice how many series it has");
        }
        if (!frame.labels.empty()) frames_.push_back(bytes);
        for (const std::string_view labels : frame.labels) MIMIR_TRY(add(labels));
        MIMIR_TRY(add_ids(frame));
        if (count() > *expected_) return corrupt("has more series than it says");
        const bool complete = count() == *expected_;
        if (!complete && !frame.chunks.empty()) return corrupt("has chunks among its labels");
        return complete;
    }

    [[nodiscard]] std::size_t count() const { return labels_.size(); }
    [[nodiscard]] model::LabelsView at(std::size_t index) const {
        return model::LabelsView::from_canonical(labels_[index]);
    }
    [[nodiscard]] bool has_ids() const { return order_ == wire::SelectionOrder::by_id; }
    [[nodiscard]] SeriesId id(std::size_t index) const { return ids_[index]; }
    static tl::unexpected<Error> corrupt(std::string_view what) {
        return fail(ErrorKind::corrupt, "the selection of an ingester {}", what);
    }

  private:
    Result<void> add(std::string_view labels) {
        if (!wire::is_canonical(labels)) return corrupt("has malformed labels");
        if (bytes_ + labels.size() > limits_.labels_bytes) {
            return fail(
                ErrorKind::limit,
                "the labels of the selected series take more than {} bytes",
                limits_.labels_bytes
            );
        }
        if (order_ == wire::SelectionOrder::by_labels) MIMIR_TRY(check_order(labels));
        labels_.push_back(labels);
        bytes_ += labels.size();
        return {};
    }
    Result<void> check_order(std::string_view labels) {
        const SeriesKey key = SeriesKey::of(model::LabelsView::from_canonical(labels));
        if (count() > 0 && key <= SeriesKey{last_hash_, at(count() - 1)}) {
            return corrupt("is not in its order");
        }
        last_hash_ = key.hash;
        return {};
    }
    Result<void> add_ids(const wire::SelectionFrame& frame) {
        const std::size_t expected = has_ids() ? frame.labels.size() * wire::kSeriesIdBytes : 0;
        if (frame.ids.size() != expected) return corrupt("has not one id a series");
        for (std::size_t at = 0; at < expected; at += wire::kSeriesIdBytes) {
            const char* const bytes = frame.ids.data() + at;
            const SeriesId id{
                .high = encoding::load_be<std::uint64_t>(bytes),
                .low = encoding::load_be<std::uint64_t>(bytes + sizeof(std::uint64_t))
            };
            if (!ids_.empty() && id <= ids_.back()) return corrupt("is not in its order");
            ids_.push_back(id);
        }
        return {};
    }
    [[nodiscard]] bool may_be(wire::SelectionOrder order) const {
        switch (order) {
            case wire::SelectionOrder::by_labels: return true;
            case wire::SelectionOrder::by_id: return limits_.ids;
            case wire::SelectionOrder::any: return limits_.any_order;
        }
        return false;
    }

    const SelectionLimits limits_;
    std::optional<std::uint64_t> expected_;
    wire::SelectionOrder order_ = wire::SelectionOrder::by_labels;
    std::size_t bytes_ = 0;                 // of labels_
    std::vector<std::string_view> labels_;  // point into frames_
    std::vector<SeriesId> ids_;             // when ordered by them
    std::vector<Frame> frames_;
    std::uint64_t last_hash_ = 0;
};

class RemoteSeriesSet final : public chunkenc::SeriesSet {
  public:
    /// `first`: the frame with the last labels, if chunks follow in it.
    RemoteSeriesSet(std::unique_ptr<FrameStream> stream, LabelTable labels, Frame first)
        : stream_(std::move(stream)), labels_(std::move(labels)), next_frame_(std::move(first)) {}

    [[nodiscard]] std::size_t count() const override { return labels_.count(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return labels_.at(index);
    }
    [[nodiscard]] SeriesId id(std::size_t index) const { return labels_.id(index); }

    Result<void> load(std::size_t first, std::size_t count, ChunkBatch& batch) override {
        MIMIR_ASSERT(first >= next_, "a remote selection is loaded forward");
        batch.clear();
        const std::string* kept = nullptr;  // the batch has it
        next_ = first + count;
        for (std::size_t series = first; series < next_; ++series) {
            batch.begin_series();
            for (;;) {
                MIMIR_TRY(const auto* chunk, peek());
                if (chunk == nullptr || chunk->series > series) break;
                ++at_;
                if (chunk->series < series) continue;  // jumped over
                if (kept != frame_.get()) batch.keep_alive(frame_);
                kept = frame_.get();
                batch.add(
                    {.range = chunk->chunk.range,
                     .encoding = static_cast<chunkenc::Encoding>(chunk->chunk.encoding),
                     .data = chunk->chunk.data}
                );
            }
        }
        // The last series' chunks are complete only if the selection ends after them.
        if (next_ == labels_.count()) MIMIR_TRY(peek());
        return {};
    }

  private:
    /// The next chunk of the selection, null after the last.
    Result<const wire::SelectionFrame::Chunk*> peek() {
        while (at_ == decoded_.chunks.size()) {
            if (ended_) return nullptr;
            MIMIR_TRY(next_frame());
        }
        return &decoded_.chunks[at_];
    }

    Result<void> next_frame() {
        const bool is_first = next_frame_ != nullptr;
        if (is_first) {
            frame_ = std::exchange(next_frame_, nullptr);
        } else {
            auto taken = stream_->wait_take();
            if (!taken) return tl::unexpected(without_peer(std::move(taken).error()));
            frame_ = *std::move(taken);
        }
        decoded_.chunks.clear();
        at_ = 0;
        ended_ = frame_ == nullptr;
        if (ended_) return {};
        MIMIR_TRY(wire::decode_selection_frame(*frame_, decoded_));
        if (!is_first && (decoded_.series_count || !decoded_.labels.empty())) {
            return LabelTable::corrupt("has labels among its chunks");
        }
        for (const auto& chunk : decoded_.chunks) {
            if (chunk.series < last_ || chunk.series >= labels_.count()) {
                return LabelTable::corrupt("has chunks out of order");
            }
            last_ = chunk.series;
        }
        return {};
    }

    const std::unique_ptr<FrameStream> stream_;
    const LabelTable labels_;
    Frame next_frame_;
    Frame frame_;
    wire::SelectionFrame decoded_;  // points into frame_
    std::size_t at_ = 0;            // of its chunks
    std::uint64_t last_ = 0;        // the series of the last chunk that was decoded
    bool ended_ = false;
    std::size_t next_ = 0;  // the first series that may still be loaded
};

/// The same, of series that the server has ordered by id.
class RemoteIdentifiedSet final : public IdentifiedSeriesSet {
  public:
    explicit RemoteIdentifiedSet(std::unique_ptr<RemoteSeriesSet> set) : set_(std::move(set)) {}

    [[nodiscard]] std::size_t count() const override { return set_->count(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return set_->labels(index);
    }
    [[nodiscard]] SeriesId id(std::size_t index) const override { return set_->id(index); }
    Result<void> load(std::size_t first, std::size_t count, ChunkBatch& batch) override {
        return set_->load(first, count, batch);
    }

  private:
    const std::unique_ptr<RemoteSeriesSet> set_;
};

http::asio::awaitable<Result<std::unique_ptr<chunkenc::SeriesSet>>> read_labels(
    std::unique_ptr<FrameStream> stream, SelectionLimits limits
) {
    LabelTable labels(limits);
    wire::SelectionFrame frame;
    for (;;) {
        MIMIR_CO_TRY(const std::string_view read, co_await stream->next());
        if (read.empty()) co_return LabelTable::corrupt("ends before all its labels");
        const auto bytes = std::make_shared<const std::string>(read);
        MIMIR_CO_TRY(wire::decode_selection_frame(*bytes, frame));
        MIMIR_CO_TRY(const bool complete, labels.take(frame, bytes));
        if (!complete) continue;
        Frame first;
        if (!frame.chunks.empty()) first = bytes;
        const bool has_ids = labels.has_ids();
        auto set = std::make_unique<RemoteSeriesSet>(
            std::move(stream), std::move(labels), std::move(first)
        );
        if (has_ids) co_return std::make_unique<RemoteIdentifiedSet>(std::move(set));
        co_return std::unique_ptr<chunkenc::SeriesSet>(std::move(set));
    }
}

}  // namespace

void read_selection(
    std::unique_ptr<FrameStream> stream,
    SelectionLimits limits,
    Done<std::unique_ptr<chunkenc::SeriesSet>> done
) {
    using Selected = Result<std::unique_ptr<chunkenc::SeriesSet>>;
    const auto executor = stream->executor();
    auto on_end = [done = std::move(done)](const std::exception_ptr& error, Selected selected) {
        MIMIR_ASSERT(error == nullptr, "coroutines return their errors");
        done(std::move(selected));
    };
    http::asio::co_spawn(executor, read_labels(std::move(stream), limits), std::move(on_end));
}

}  // namespace mimir::rpc::detail
