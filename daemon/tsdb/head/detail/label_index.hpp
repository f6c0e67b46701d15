#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/labels.hpp"
#include "tsdb/head/detail/counted_memory.hpp"
#include "tsdb/head/detail/postings_list.hpp"
#include "tsdb/head/detail/slot_table.hpp"

namespace mimir::tsdb::detail {

/// A label of the index: 32 bits that stand for its name and value.
enum class LabelId : std::uint32_t {};

/// The labels of a shard's series, each stored once, in the canonical encoding that label sets are made of; and for
/// each the series that have it. A label lives as long as it has series.
/// Threads: one at a time; also the const functions, which may put a list in order.
class LabelIndex {
  public:
    explicit LabelIndex(CountedMemory& memory) : memory_(memory) {}
    ~LabelIndex();

    /// Enters a new series under each of its labels, whose ids go to `ids` (room for labels.count()).
    void add_series(std::uint32_t series, model::LabelsView labels, LabelId* ids);
    /// Removes the dead from the lists of these labels, and the labels that are left without series.
    void remove_series(std::span<const LabelId> labels, const std::vector<bool>& is_dead);

    [[nodiscard]] model::LabelsView label(LabelId id) const {
        const Entry& entry = at(id);
        return model::LabelsView::from_canonical({entry.bytes, entry.size});
    }
    [[nodiscard]] std::span<const std::uint32_t> series_of(LabelId id) const {
        return at(id).series.sorted();
    }
    [[nodiscard]] std::size_t series_count(LabelId id) const { return at(id).series.size(); }

    /// SlotTable::kNone when no series has it.
    [[nodiscard]] std::uint32_t find(std::string_view name, std::string_view value) const;
    /// The labels of a name, in no order.
    [[nodiscard]] std::span<const LabelId> labels_of(std::string_view name) const;
    template <class Visit>
    void visit_names(Visit&& visit) const {
        for (const auto& [name, labels] : names_) visit(std::string_view(name));
    }

    [[nodiscard]] std::size_t size() const { return table_.size(); }
    /// One more than the largest LabelId there ever was.
    [[nodiscard]] std::size_t id_bound() const { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const;

  private:
    struct Entry {
        const char* bytes = nullptr;  // null: the id is free
        std::uint32_t size = 0;
        std::uint32_t hash = 0;
        mutable PostingsList series;
    };

    [[nodiscard]] const Entry& at(LabelId id) const {
        return entries_[static_cast<std::uint32_t>(id)];
    }
    [[nodiscard]] std::uint32_t find(std::string_view canonical, std::uint32_t hash) const;
    std::uint32_t intern(std::string_view canonical, std::uint32_t hash);
    /// Returns the label's name.
    std::string forget(std::uint32_t id);

    CountedMemory& memory_;
    std::vector<Entry> entries_;  // by LabelId
    std::vector<std::uint32_t> free_;
    SlotTable table_;
    std::unordered_map<std::string, std::vector<LabelId>> names_;
};

}  // namespace mimir::tsdb::detail
