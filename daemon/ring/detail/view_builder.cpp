#include "ring/detail/view_builder.hpp"

#include <algorithm>

namespace mimir::ring::detail {
namespace {

void place(const Instance& instance, Slot slot, std::vector<Placed>& out) {
    for (const Token token : instance.tokens) out.push_back({token, slot});
}

}  // namespace

ViewBuilder::ViewBuilder(RingOptions options)
    : options_(std::make_shared<RingOptions>(std::move(options))) {}

void ViewBuilder::unseat(std::string_view id, std::vector<Placed>& removed) {
    const auto at = members_.find(id);
    if (at == members_.end()) return;
    place(*at->second.member.instance, at->second.slot, removed);
    free_slots_.push_back(at->second.slot);
    members_.erase(at);
}

std::shared_ptr<const TableView> ViewBuilder::apply(const Changes& changes) {
    std::vector<Placed> removed;
    std::vector<Placed> added;
    for (const std::string& id : changes.removed) unseat(id, removed);
    for (const Changes::Put& put : changes.put) {
        const auto at = members_.find(put.instance->id);
        if (at != members_.end() && at->second.member.instance->tokens == put.instance->tokens) {
            at->second.member = {put.instance, put.seen};
            continue;
        }
        unseat(put.instance->id, removed);
        if (free_slots_.empty()) free_slots_.push_back(slots_++);
        const Slot slot = free_slots_.back();
        free_slots_.pop_back();
        members_[put.instance->id] = {{put.instance, put.seen}, slot};
        place(*put.instance, slot, added);
    }

    TableView::Parts parts{.options = options_, .revision = ++revision_};
    std::vector<std::uint32_t> rank(slots_);
    for (const auto& [id, seated] : members_) {
        rank[seated.slot] = static_cast<std::uint32_t>(parts.members.size());
        parts.members.push_back(seated.member);
        parts.slots.push_back(seated.slot);
    }
    cost_ = {};
    if (!removed.empty() || !added.empty()) {
        std::ranges::sort(removed);
        std::ranges::sort(added);
        TokenTable::Changed changed = table_->changed(removed, added, rank);
        cost_ = changed.cost;
        table_ = std::make_shared<TokenTable>(std::move(changed.table));
    }
    parts.table = table_;
    return std::make_shared<TableView>(std::move(parts));
}

}  // namespace mimir::ring::detail
