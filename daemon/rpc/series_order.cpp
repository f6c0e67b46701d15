#include "rpc/series_order.hpp"

#define XXH_INLINE_ALL  // label sets are short: the call would cost as much as the hash
#include <xxhash.h>

#include <algorithm>
#include <numeric>

namespace mimir::rpc {

SeriesKey SeriesKey::of(model::LabelsView labels) {
    const std::string_view bytes = labels.bytes();
    return {.hash = XXH3_64bits(bytes.data(), bytes.size()), .labels = labels};
}

SeriesId SeriesId::of(model::LabelsView labels) {
    const std::string_view bytes = labels.bytes();
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
    return {.high = hash.high64, .low = hash.low64};
}

std::vector<std::uint32_t> series_order(const chunkenc::SeriesSet& set) {
    std::vector<std::uint64_t> hashes(set.count());
    for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = SeriesKey::of(set.labels(i)).hash;
    std::vector<std::uint32_t> order(hashes.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
        if (hashes[a] != hashes[b]) return hashes[a] < hashes[b];
        return set.labels(a).bytes() < set.labels(b).bytes();
    });
    return order;
}

bool is_in_series_order(const chunkenc::SeriesSet& set) {
    SeriesKey last;
    for (std::size_t i = 0; i < set.count(); ++i) {
        const SeriesKey key = SeriesKey::of(set.labels(i));
        if (i > 0 && key < last) return false;
        last = key;
    }
    return true;
}

}  // namespace mimir::rpc
