#include "ring/detail/token_table.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace mimir::ring::detail {
namespace {

// A search in a bucket is some five steps, and a change of one token copies half a kilobyte.
constexpr std::size_t kPerBucket = 32;
// A table is made anew when its buckets hold on average 4 times more, or less, than that: so seldom
// that it costs each token that came or went a constant.
constexpr std::size_t kDrift = 4;
constexpr int kBitsMax = 16;

int bits_for(std::size_t tokens) {
    const std::size_t buckets = std::bit_ceil(tokens / kPerBucket + 1);
    return std::min(kBitsMax, std::countr_zero(buckets));
}

bool drifted(std::size_t tokens, std::size_t buckets) {
    const bool crowded = tokens > buckets * kPerBucket * kDrift && buckets < std::size_t{1}
                                                                                 << kBitsMax;
    return crowded || (buckets > 1 && tokens * kDrift < buckets * kPerBucket / 2);
}

}  // namespace

TokenTable::TokenTable(std::vector<Placed> sorted)
    : bits_(bits_for(sorted.size())), size_(sorted.size()) {
    buckets_.resize(std::size_t{1} << bits_);
    // One block for all; buckets that change later get one of their own.
    const auto block = std::make_shared<std::vector<Placed>>(std::move(sorted));
    const Placed* const begin = block->data();
    const Placed* at = begin;
    const Placed* const end = begin + size_;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        const Placed* const from = at;
        while (at != end && bucket_of(at->token) == i) ++at;
        buckets_[i] = {
            std::shared_ptr<const Placed[]>(block, from), static_cast<std::size_t>(at - from)
        };
    }
    MIMIR_ASSERT(at == end, "the tokens are sorted");
}

TokenTable::Changed TokenTable::changed(
    std::span<const Placed> removed,
    std::span<const Placed> added,
    const std::vector<std::uint32_t>& rank
) const {
    const auto before = [&](const Placed& a, const Placed& b) {
        return a.token != b.token ? a.token < b.token : rank[a.slot] < rank[b.slot];
    };
    Changed result{*this, {}};
    TokenTable& table = result.table;
    std::vector<Placed> content;
    auto out = removed.begin();
    auto in = added.begin();
    while (out != removed.end() || in != added.end()) {
        const std::size_t at = std::min(
            out != removed.end() ? bucket_of(out->token) : buckets_.size(),
            in != added.end() ? bucket_of(in->token) : buckets_.size()
        );
        const Bucket& old = buckets_[at];
        content.clear();
        const auto out_begin = out;
        while (out != removed.end() && bucket_of(out->token) == at) ++out;
        std::ranges::copy_if(old, std::back_inserter(content), [&](const Placed& placed) {
            return !std::binary_search(out_begin, out, placed);
        });
        MIMIR_ASSERT(
            content.size() + static_cast<std::size_t>(out - out_begin) == old.size,
            "what is removed was there"
        );
        for (; in != added.end() && bucket_of(in->token) == at; ++in) {
            content.insert(std::ranges::upper_bound(content, *in, before), *in);
        }
        auto made = std::make_shared<Placed[]>(content.size());
        std::ranges::copy(content, made.get());
        table.buckets_[at] = {std::move(made), content.size()};
        table.size_ = table.size_ - old.size + content.size();
        ++result.cost.buckets;
        result.cost.entries += content.size();
    }
    if (drifted(table.size_, table.buckets_.size())) {
        std::vector<Placed> all;
        all.reserve(table.size_);
        table.each([&](const Placed& placed) { all.push_back(placed); });
        table = TokenTable(std::move(all));
        result.cost.rebuilt = true;
    }
    return result;
}

}  // namespace mimir::ring::detail
