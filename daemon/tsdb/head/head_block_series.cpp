// Head::series_for_block: all series in the order of their labels, without holding up those who append.

#include <algorithm>
#include <numeric>
#include <vector>

#include "tsdb/head/detail/head_state.hpp"
#include "tsdb/head/head.hpp"

namespace mimir::tsdb {
namespace {

/// Walks one shard's series of a range in the order of their labels. What it needs of the shard it copies: labels as
/// numbers that sort as the labels do, and each label's text once.
class SortedShardSeries {
  public:
    SortedShardSeries(detail::HeadState& state, std::uint32_t shard, TimeRange range)
        : state_(state), range_(range) {
        state_.shards[shard]->with([&](const detail::HeadShard& s) { copy_from(s, shard); });
        sort_labels();
        std::ranges::sort(order_, [&](std::uint32_t a, std::uint32_t b) {
            return std::ranges::lexicographical_compare(ranks_of(a), ranks_of(b));
        });
    }

    /// Loads the next series; false at the end.
    Result<bool> next() {
        if (at_ == order_.size()) return false;
        if (at_ == loaded_end_) {
            batch_begin_ = at_;
            loaded_end_ = std::min(at_ + kBatch, order_.size());
            std::vector<detail::SeriesAddress> addresses;
            for (std::size_t i = batch_begin_; i < loaded_end_; ++i) {
                addresses.push_back(series_[order_[i]]);
            }
            MIMIR_TRY(detail::load_chunks(state_, addresses, range_, batch_));
        }
        labels_.clear();
        for (const std::uint32_t rank : ranks_of(order_[at_])) labels_ += texts_[by_rank_[rank]];
        ++at_;
        return true;
    }

    [[nodiscard]] model::LabelsView labels() const {
        return model::LabelsView::from_canonical(labels_);
    }
    [[nodiscard]] std::span<const chunkenc::ChunkView> chunks() const {
        return batch_.chunks_of(at_ - 1 - batch_begin_);
    }

  private:
    static constexpr std::size_t kBatch = 256;

    void copy_from(const detail::HeadShard& shard, std::uint32_t shard_index) {
        constexpr std::uint32_t kUnseen = 0xFFFFFFFF;
        std::vector<std::uint32_t> text_of(shard.labels().id_bound(), kUnseen);
        label_begins_.push_back(0);
        for (std::uint32_t slot = 0; slot < shard.slot_bound(); ++slot) {
            const detail::HeadSeries& series = shard.series(slot);
            if (series.dead || !series.overlaps(range_)) continue;
            order_.push_back(static_cast<std::uint32_t>(series_.size()));
            series_.push_back({.shard = shard_index, .slot = slot, .ref = series.ref});
            for (const detail::LabelId id : series.label_ids()) {
                std::uint32_t& text = text_of[static_cast<std::uint32_t>(id)];
                if (text == kUnseen) {
                    text = static_cast<std::uint32_t>(texts_.size());
                    texts_.emplace_back(shard.labels().label(id).bytes());
                }
                label_ranks_.push_back(text);
            }
            label_begins_.push_back(label_ranks_.size());
        }
    }

    /// Replaces numbers of texts by their ranks.
    void sort_labels() {
        by_rank_.resize(texts_.size());
        std::iota(by_rank_.begin(), by_rank_.end(), 0U);
        std::ranges::sort(by_rank_, {}, [&](std::uint32_t text) {
            return *model::LabelsView::from_canonical(texts_[text]).begin();
        });
        std::vector<std::uint32_t> rank_of(texts_.size());
        for (std::uint32_t rank = 0; rank < by_rank_.size(); ++rank) rank_of[by_rank_[rank]] = rank;
        for (std::uint32_t& label : label_ranks_) label = rank_of[label];
    }

    [[nodiscard]] std::span<const std::uint32_t> ranks_of(std::uint32_t series) const {
        const std::size_t begin = label_begins_[series];
        return std::span(label_ranks_).subspan(begin, label_begins_[series + 1] - begin);
    }

    detail::HeadState& state_;
    const TimeRange range_;
    std::vector<detail::SeriesAddress> series_;
    std::vector<std::uint32_t> order_;        // of series_, by labels
    std::vector<std::uint32_t> label_ranks_;  // of all series, one after the other
    std::vector<std::size_t> label_begins_;
    std::vector<std::string> texts_;
    std::vector<std::uint32_t> by_rank_;  // of texts_

    std::size_t at_ = 0;
    std::size_t batch_begin_ = 0;
    std::size_t loaded_end_ = 0;
    chunkenc::ChunkBatch batch_;
    std::string labels_;
};

}  // namespace

Result<void> Head::series_for_block(TimeRange range, const BlockSeriesVisitor& visit) {
    const detail::TimePins::Pin pin(state_->readers, range.min);
    std::vector<std::unique_ptr<SortedShardSeries>> shards;
    for (std::uint32_t i = 0; i < state_->shards.size(); ++i) {
        auto shard = std::make_unique<SortedShardSeries>(*state_, i, range);
        MIMIR_TRY(const bool any, shard->next());
        if (any) shards.push_back(std::move(shard));
    }
    while (!shards.empty()) {
        const auto first = std::ranges::min_element(shards, [](const auto& a, const auto& b) {
            return a->labels() < b->labels();
        });
        if (!(*first)->chunks().empty()) {
            MIMIR_TRY(visit((*first)->labels(), (*first)->chunks()));
        }
        MIMIR_TRY(const bool more, (*first)->next());
        if (!more) shards.erase(first);
    }
    return {};
}

}  // namespace mimir::tsdb
