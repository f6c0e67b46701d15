#include "rpc/merged_series_set.hpp"

#include <algorithm>
#include <limits>
#include <queue>
#include <tuple>

#include "base/assert.hpp"
#include "rpc/series_order.hpp"

namespace mimir::rpc {
namespace {

using chunkenc::ChunkBatch;
using chunkenc::ChunkView;

/// The next series of one input.
template <class Key>
struct Head {
    Key key;
    std::uint32_t input;
    std::uint32_t index;

    /// Greatest first, for the heap.
    bool operator<(const Head& other) const {
        if (const auto order = key <=> other.key; order != 0) return order > 0;
        return input > other.input;
    }
};

auto rank(const ChunkView& chunk) {
    return std::tuple(chunk.range.min, chunk.range.max, chunk.encoding, chunk.data);
}

}  // namespace

MergedSeriesSet::MergedSeriesSet(std::vector<std::unique_ptr<chunkenc::SeriesSet>> sets) {
    merge(std::move(sets), [](const chunkenc::SeriesSet& set, std::size_t index) {
        return SeriesKey::of(set.labels(index));
    });
}

MergedSeriesSet::MergedSeriesSet(std::vector<std::unique_ptr<IdentifiedSeriesSet>> sets) {
    merge(std::move(sets), [](const IdentifiedSeriesSet& set, std::size_t index) {
        return set.id(index);
    });
}

template <class Set, class KeyOf>
void MergedSeriesSet::merge(std::vector<std::unique_ptr<Set>> sets, KeyOf key_of) {
    using Key = std::invoke_result_t<KeyOf, const Set&, std::size_t>;
    std::size_t total = 0;
    std::vector<const Set*> inputs;
    std::priority_queue<Head<Key>> heads;
    const auto push = [&](std::uint32_t input, std::size_t index) {
        const Set& set = *inputs[input];
        if (index == set.count()) return;
        heads.push({key_of(set, index), input, static_cast<std::uint32_t>(index)});
    };
    for (auto& set : sets) {
        total += set->count();
        inputs.push_back(set.get());
        inputs_.push_back({std::move(set)});
        push(static_cast<std::uint32_t>(inputs_.size() - 1), 0);
    }
    MIMIR_ASSERT(
        total < std::numeric_limits<std::uint32_t>::max(), "label sets are bounded by their bytes"
    );
    sources_.reserve(total);
    Key last;
    while (!heads.empty()) {
        const Head<Key> head = heads.top();
        heads.pop();
        if (sources_.empty() || !(head.key == last)) {
            begins_.push_back(static_cast<std::uint32_t>(sources_.size()));
            last = head.key;
        }
        sources_.push_back({head.input, head.index});
        push(head.input, head.index + std::size_t{1});
    }
    begins_.push_back(static_cast<std::uint32_t>(sources_.size()));
}

Result<void> MergedSeriesSet::load(std::size_t first, std::size_t count, ChunkBatch& batch) {
    batch.clear();
    MIMIR_TRY(load_inputs(sources(first, count), batch));
    for (std::size_t series = first; series < first + count; ++series) {
        batch.begin_series();
        add_chunks(sources(series, 1), batch);
    }
    return {};
}

/// All inputs have the same order, so that what is wanted of each lies in a row.
Result<void> MergedSeriesSet::load_inputs(std::span<const Source> wanted, ChunkBatch& batch) {
    std::vector<std::uint32_t> counts(inputs_.size());
    for (const Source& source : wanted) {
        if (counts[source.input]++ == 0) inputs_[source.input].loaded_begin = source.index;
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        if (counts[i] == 0) continue;
        Input& input = inputs_[i];
        // Who still holds the last batch keeps that one.
        if (input.loaded.use_count() != 1) input.loaded = std::make_shared<ChunkBatch>();
        MIMIR_TRY(input.set->load(input.loaded_begin, counts[i], *input.loaded));
        batch.keep_alive(input.loaded);
    }
    return {};
}

void MergedSeriesSet::add_chunks(std::span<const Source> of_series, ChunkBatch& batch) {
    chunks_.clear();
    for (const Source& source : of_series) {
        const Input& input = inputs_[source.input];
        const auto own = input.loaded->chunks_of(source.index - input.loaded_begin);
        chunks_.insert(chunks_.end(), own.begin(), own.end());
    }
    if (of_series.size() > 1) {
        std::ranges::sort(chunks_, {}, rank);
        const auto same = [](const ChunkView& a, const ChunkView& b) { return rank(a) == rank(b); };
        const auto rest = std::ranges::unique(chunks_, same);
        chunks_.erase(rest.begin(), rest.end());
    }
    for (const ChunkView& chunk : chunks_) batch.add(chunk);
}

}  // namespace mimir::rpc
