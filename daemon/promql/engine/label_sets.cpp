#include "promql/engine/label_sets.hpp"

#include <algorithm>
#include <cstring>

#include "promql/quote.hpp"

namespace mimir::promql::engine {

namespace {

/// Calls visit(name, raw) for each label in order; raw: the label's field in the canonical bytes.
template <class Visit>
void for_each_label(model::LabelsView labels, Visit&& visit) {
    const char* const base = labels.bytes().data();
    const char* const end = base + labels.bytes().size();
    for (const char* at = base; at != end;) {
        const char* const field = at++;
        const std::uint32_t bytes = model::detail::read_length(at);
        at += bytes;
        visit(
            (*model::LabelsView::Iterator(field)).name,
            std::string_view(field, static_cast<std::size_t>(at - field))
        );
    }
}

}  // namespace

model::LabelsView LabelsArena::store(std::string_view canonical) {
    if (canonical.empty()) return {};
    if (canonical.size() > free_bytes_) {
        free_bytes_ = std::max(kBlockBytes, canonical.size());
        blocks_.push_back(std::make_unique_for_overwrite<char[]>(free_bytes_));
        free_ = blocks_.back().get();
    }
    char* const at = free_;
    std::memcpy(at, canonical.data(), canonical.size());
    free_ += canonical.size();
    free_bytes_ -= canonical.size();
    return model::LabelsView::from_canonical({at, canonical.size()});
}

LabelSubset::LabelSubset(Kind kind, std::vector<std::string> names)
    : kind_(kind), names_(std::move(names)) {
    if (kind_ == Kind::all_but) names_.emplace_back(model::kMetricName);
    std::ranges::sort(names_);
    names_.erase(std::ranges::unique(names_).begin(), names_.end());
}

std::string_view LabelSubset::of(model::LabelsView labels) {
    bytes_.clear();
    if (kind_ == Kind::only && names_.empty()) return {};
    auto listed = names_.begin();
    for_each_label(labels, [&](std::string_view name, std::string_view raw) {
        while (listed != names_.end() && *listed < name) ++listed;
        const bool is_listed = listed != names_.end() && *listed == name;
        if (is_listed == (kind_ == Kind::only)) bytes_ += raw;
    });
    return bytes_;
}

bool LabelSubset::has(std::string_view name) const {
    return std::ranges::binary_search(names_, name) == (kind_ == Kind::only);
}

LabelsNumbering::Entry LabelsNumbering::add(std::string_view canonical) {
    const auto hash = model::LabelsView::from_canonical(canonical).hash();
    const auto [at, added] = numbers_.try_emplace(hash, count());
    return {at->second, added};
}

const std::uint32_t* LabelsNumbering::find(std::string_view canonical) const {
    const auto at = numbers_.find(model::LabelsView::from_canonical(canonical).hash());
    return at == numbers_.end() ? nullptr : &at->second;
}

void copy_without_name(model::LabelsView labels, std::string& bytes) {
    bytes.clear();
    const std::string_view all = labels.bytes();
    const std::string_view name = labels.metric_name();
    if (name.empty()) {
        bytes = all;
        return;
    }
    for_each_label(labels, [&](std::string_view label, std::string_view raw) {
        if (label != model::kMetricName) bytes += raw;
    });
}

std::string in_braces(model::LabelsView labels) {
    std::string text = "{";
    for (const auto& [name, value] : labels) {
        if (text.size() > 1) text += ", ";
        text += model::is_legacy_label_name(name) ? std::string(name) : quote(name);
        text += '=';
        text += quote(value);
    }
    return text + '}';
}

}  // namespace mimir::promql::engine
