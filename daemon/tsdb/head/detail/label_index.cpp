#include "tsdb/head/detail/label_index.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "base/random.hpp"

namespace mimir::tsdb::detail {
namespace {

std::uint32_t hash_of(std::string_view bytes) {
    static const std::uint64_t seed = random_seed();
    return static_cast<std::uint32_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed));
}

}  // namespace

LabelIndex::~LabelIndex() {
    for (Entry& entry : entries_) {
        if (entry.bytes == nullptr) continue;
        entry.series.clear(memory_);
        memory_.release(const_cast<char*>(entry.bytes), entry.size);
    }
}

void LabelIndex::add_series(std::uint32_t series, model::LabelsView labels, LabelId* ids) {
    // Labels in batches, and in steps, so that the memory that each step needs is on its way when the step begins.
    constexpr std::size_t kBatch = 16;
    struct Lookup {
        std::string_view canonical;
        std::uint32_t hash;
        std::uint32_t id;
    };
    std::array<Lookup, kBatch> batch;
    const char* begin = labels.bytes().data();
    auto label = labels.begin();
    while (label != labels.end()) {
        std::size_t count = 0;
        for (; count < kBatch && label != labels.end(); ++count, ++label) {
            const std::string_view value = (*label).value;  // where the label's bytes end
            const char* const end = value.data() + value.size();
            const std::string_view canonical(begin, static_cast<std::size_t>(end - begin));
            begin = end;
            batch[count] = {.canonical = canonical, .hash = hash_of(canonical), .id = 0};
            table_.prefetch(batch[count].hash);
        }
        for (std::size_t i = 0; i < count; ++i) {
            batch[i].id = intern(batch[i].canonical, batch[i].hash);
            entries_[batch[i].id].series.prefetch_end();
        }
        for (std::size_t i = 0; i < count; ++i) {
            entries_[batch[i].id].series.append(series, memory_);
            *ids++ = LabelId{batch[i].id};
        }
    }
}

void LabelIndex::remove_series(std::span<const LabelId> labels, const std::vector<bool>& is_dead) {
    std::set<std::string> names;  // of which a label went
    for (const LabelId id : labels) {
        Entry& entry = entries_[static_cast<std::uint32_t>(id)];
        entry.series.remove_if([&](std::uint32_t series) { return is_dead[series]; }, memory_);
        if (entry.series.empty()) names.insert(forget(static_cast<std::uint32_t>(id)));
    }
    for (const std::string& name : names) {
        std::vector<LabelId>& left = names_[name];
        std::erase_if(left, [&](LabelId id) { return at(id).bytes == nullptr; });
        if (left.empty()) names_.erase(name);
    }
}

std::uint32_t LabelIndex::find(std::string_view name, std::string_view value) const {
    std::string canonical;
    model::append_label(canonical, {name, value});
    return find(canonical, hash_of(canonical));
}

std::span<const LabelId> LabelIndex::labels_of(std::string_view name) const {
    const auto found = names_.find(std::string(name));
    if (found == names_.end()) return {};
    return found->second;
}

std::size_t LabelIndex::bytes() const {
    return entries_.capacity() * sizeof(Entry) + table_.bytes();
}

std::uint32_t LabelIndex::find(std::string_view canonical, std::uint32_t hash) const {
    return table_.find(hash, [&](std::uint32_t id) {
        const Entry& entry = entries_[id];
        return std::string_view(entry.bytes, entry.size) == canonical;
    });
}

std::uint32_t LabelIndex::intern(std::string_view canonical, std::uint32_t hash) {
    if (const std::uint32_t id = find(canonical, hash); id != SlotTable::kNone) return id;
    auto* bytes = static_cast<char*>(memory_.allocate(canonical.size()));
    std::memcpy(bytes, canonical.data(), canonical.size());
    const Entry entry{
        .bytes = bytes,
        .size = static_cast<std::uint32_t>(canonical.size()),
        .hash = hash,
        .series = {},
    };
    auto id = static_cast<std::uint32_t>(entries_.size());
    if (free_.empty()) {
        entries_.push_back(entry);
    } else {
        id = free_.back();
        free_.pop_back();
        entries_[id] = entry;
    }
    table_.insert(hash, id);
    const model::Label label = *model::LabelsView::from_canonical(canonical).begin();
    names_[std::string(label.name)].push_back(LabelId{id});
    return id;
}

std::string LabelIndex::forget(std::uint32_t id) {
    Entry& entry = entries_[id];
    std::string name((*label(LabelId{id}).begin()).name);
    table_.erase(entry.hash, id);
    entry.series.clear(memory_);
    memory_.release(const_cast<char*>(entry.bytes), entry.size);
    entry = {};
    free_.push_back(id);
    return name;
}

}  // namespace mimir::tsdb::detail
