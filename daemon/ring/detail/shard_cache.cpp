#include "ring/detail/shard_cache.hpp"

#include "ring/detail/shuffle_shard.hpp"

namespace mimir::ring::detail {
namespace {

// 8 bytes each, so 64 MiB: some five thousand tenants with shards of three members.
constexpr std::size_t kTokensMax = std::size_t{8} << 20;

}  // namespace

std::shared_ptr<const TableView> ShardCache::get(
    const std::shared_ptr<const TableView>& view,
    std::string_view tenant,
    std::size_t size,
    std::optional<TimestampMs> since
) {
    if (view->revision() != revision_) {
        cached_.clear();
        tokens_ = 0;
        revision_ = view->revision();
    }
    const auto at = cached_.find(KeyView{tenant, size, since.has_value()});
    if (at != cached_.end()) {
        const Cached& found = at->second;
        if (!since || (found.since_min <= *since && *since <= found.since_max)) return found.shard;
        tokens_ -= at->second.shard == view ? 0 : at->second.shard->table().size();
        cached_.erase(at);
    }
    const Shard shard = shuffle_shard(*view, {.tenant = tenant, .size = size, .since = since});
    const bool whole = shard.members.size() == view->members().size();
    Cached made{
        whole ? view : view->subset(shard.members),
        since.value_or(TimestampMs::min()),
        shard.since_max
    };
    const std::size_t tokens = whole ? 0 : made.shard->table().size();
    if (tokens_ + tokens > kTokensMax) {
        cached_.clear();
        tokens_ = 0;
    }
    tokens_ += tokens;
    return cached_
        .insert_or_assign(Key{std::string(tenant), size, since.has_value()}, std::move(made))
        .first->second.shard;
}

}  // namespace mimir::ring::detail
