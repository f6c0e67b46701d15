#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "ring/detail/table_view.hpp"

namespace mimir::ring::detail {

/// Tenants' shards of one view; of the next view they are made anew when asked for. Holds a bounded
/// number of tokens.
/// Threads: one at a time.
class ShardCache {
  public:
    /// The tenant's shard of this view: of those that joined, or changed read-only, since, when set.
    std::shared_ptr<const TableView> get(
        const std::shared_ptr<const TableView>& view,
        std::string_view tenant,
        std::size_t size,
        std::optional<TimestampMs> since
    );

  private:
    struct Cached {
        std::shared_ptr<const TableView> shard;
        /// Right for every `since` between these.
        TimestampMs since_min;
        TimestampMs since_max;
    };
    struct Key {
        std::string tenant;
        std::size_t size;
        bool reads;
    };
    struct KeyView {
        std::string_view tenant;
        std::size_t size;
        bool reads;
    };
    struct Less {
        using is_transparent = void;
        template <class A, class B>
        bool operator()(const A& a, const B& b) const {
            const std::string_view tenant_a = a.tenant;
            const std::string_view tenant_b = b.tenant;
            return std::tie(tenant_a, a.size, a.reads) < std::tie(tenant_b, b.size, b.reads);
        }
    };

    std::uint64_t revision_ = 0;
    std::size_t tokens_ = 0;
    std::map<Key, Cached, Less> cached_;
};

}  // namespace mimir::ring::detail
