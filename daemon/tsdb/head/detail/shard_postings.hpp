#pragma once

#include "tsdb/head/detail/head_shard.hpp"
#include "tsdb/index/matcher_selection.hpp"

namespace mimir::tsdb::detail {

/// A shard as matchers select from it. Lists are labels. Valid while the shard does not change.
class ShardPostings final : public PostingsSource {
  public:
    explicit ShardPostings(const HeadShard& shard) : shard_(shard), labels_(shard.labels()) {}

    [[nodiscard]] Result<std::optional<List>> find(std::string_view name, std::string_view value)
        const override {
        const std::uint32_t id = labels_.find(name, value);
        if (id == SlotTable::kNone) return std::nullopt;
        return List{id};
    }
    Result<void> visit_values(std::string_view name, const ValueVisitor& visit) const override {
        for (const LabelId id : labels_.labels_of(name)) {
            MIMIR_TRY(
                visit((*labels_.label(id).begin()).value, List{static_cast<std::uint32_t>(id)})
            );
        }
        return {};
    }
    [[nodiscard]] std::size_t value_count(std::string_view name) const override {
        return labels_.labels_of(name).size();
    }
    [[nodiscard]] std::size_t count(List list) const override {
        return labels_.series_count(id_of(list));
    }
    Result<void> append(List list, Postings& out) const override {
        const auto series = labels_.series_of(id_of(list));
        out.insert(out.end(), series.begin(), series.end());
        return {};
    }
    Result<void> append_all(Postings& out) const override {
        for (std::uint32_t slot = 0; slot < shard_.slot_bound(); ++slot) {
            if (shard_.series(slot).ref != 0) out.push_back(slot);
        }
        return {};
    }
    [[nodiscard]] Result<std::string_view> label_value(std::uint32_t series, std::string_view name)
        const override {
        for (const LabelId id : shard_.series(series).label_ids()) {
            const model::Label label = *labels_.label(id).begin();
            if (label.name == name) return label.value;
        }
        return std::string_view();
    }

  private:
    static LabelId id_of(List list) { return LabelId{static_cast<std::uint32_t>(list)}; }

    const HeadShard& shard_;
    const LabelIndex& labels_;
};

}  // namespace mimir::tsdb::detail
