// Head's answers to queries.

#include <algorithm>
#include <set>
#include <vector>

#include "tsdb/head/detail/head_state.hpp"
#include "tsdb/head/head.hpp"

namespace mimir::tsdb {
namespace {

class HeadSeriesSet final : public chunkenc::SeriesSet {
  public:
    HeadSeriesSet(detail::HeadState& state, TimeRange range)
        : state_(state), pin_(state.readers, range.min), range_{pin_.time(), range.max} {}

    Result<void> select(const model::Matchers& matchers) {
        for (std::uint32_t i = 0; i < state_.shards.size(); ++i) {
            MIMIR_TRY(state_.shards[i]->with([&](const detail::HeadShard& shard) -> Result<void> {
                MIMIR_TRY(const auto slots, shard.select(matchers, range_));
                for (const std::uint32_t slot : slots) {
                    series_.push_back({.shard = i, .slot = slot, .ref = shard.series(slot).ref});
                    label_begins_.push_back(labels_.size());
                    shard.append_labels(slot, labels_);
                }
                return {};
            }));
        }
        label_begins_.push_back(labels_.size());
        return {};
    }

    [[nodiscard]] std::size_t count() const override { return series_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        const std::size_t begin = label_begins_[index];
        return model::LabelsView::from_canonical(
            std::string_view(labels_).substr(begin, label_begins_[index + 1] - begin)
        );
    }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        return detail::load_chunks(state_, std::span(series_).subspan(first, count), range_, batch);
    }

  private:
    detail::HeadState& state_;
    detail::TimePins::Pin pin_;
    TimeRange range_;
    std::vector<detail::SeriesAddress> series_;
    std::string labels_;  // of all series, one after the other
    std::vector<std::size_t> label_begins_;
};

/// The labels that occur in the selected series, each once.
std::vector<detail::LabelId> labels_of(
    const detail::HeadShard& shard, std::span<const std::uint32_t> slots
) {
    std::vector<bool> seen(shard.labels().id_bound());
    std::vector<detail::LabelId> found;
    for (const std::uint32_t slot : slots) {
        for (const detail::LabelId id : shard.series(slot).label_ids()) {
            if (seen[static_cast<std::uint32_t>(id)]) continue;
            seen[static_cast<std::uint32_t>(id)] = true;
            found.push_back(id);
        }
    }
    return found;
}

std::vector<std::string> to_vector(std::set<std::string, std::less<>> sorted) {
    std::vector<std::string> result;
    result.reserve(sorted.size());
    while (!sorted.empty()) {
        result.push_back(std::move(sorted.extract(sorted.begin()).value()));
    }
    return result;
}

void insert(std::set<std::string, std::less<>>& set, std::string_view text) {
    if (!set.contains(text)) set.emplace(text);
}

/// Whether one of the label's series has samples in the range; mostly the first one says so.
bool occurs(const detail::HeadShard& shard, detail::LabelId id, TimeRange range) {
    return std::ranges::any_of(shard.labels().series_of(id), [&](std::uint32_t slot) {
        return !shard.series(slot).dead && shard.series(slot).overlaps(range);
    });
}

}  // namespace

Result<std::unique_ptr<chunkenc::SeriesSet>> Head::select(
    const model::Matchers& matchers, TimeRange range
) {
    auto set = std::make_unique<HeadSeriesSet>(*state_, range);
    MIMIR_TRY(set->select(matchers));
    return set;
}

Result<std::vector<std::string>> Head::label_names(
    const model::Matchers& matchers, TimeRange range
) {
    std::set<std::string, std::less<>> names;
    for (auto& guarded : state_->shards) {
        MIMIR_TRY(guarded->with([&](const detail::HeadShard& shard) -> Result<void> {
            if (matchers.empty()) {
                shard.labels().visit_names([&](std::string_view name) {
                    const bool found = std::ranges::any_of(
                        shard.labels().labels_of(name),
                        [&](detail::LabelId id) { return occurs(shard, id, range); }
                    );
                    if (found) insert(names, name);
                });
                return {};
            }
            MIMIR_TRY(const auto slots, shard.select(matchers, range));
            for (const detail::LabelId id : labels_of(shard, slots)) {
                insert(names, (*shard.labels().label(id).begin()).name);
            }
            return {};
        }));
    }
    return to_vector(std::move(names));
}

Result<std::vector<std::string>> Head::label_values(
    std::string_view name, const model::Matchers& matchers, TimeRange range
) {
    std::set<std::string, std::less<>> values;
    for (auto& guarded : state_->shards) {
        MIMIR_TRY(guarded->with([&](const detail::HeadShard& shard) -> Result<void> {
            if (matchers.empty()) {
                for (const detail::LabelId id : shard.labels().labels_of(name)) {
                    if (!occurs(shard, id, range)) continue;
                    insert(values, (*shard.labels().label(id).begin()).value);
                }
                return {};
            }
            MIMIR_TRY(const auto slots, shard.select(matchers, range));
            for (const detail::LabelId id : labels_of(shard, slots)) {
                const model::Label label = *shard.labels().label(id).begin();
                if (label.name == name) insert(values, label.value);
            }
            return {};
        }));
    }
    return to_vector(std::move(values));
}

}  // namespace mimir::tsdb
