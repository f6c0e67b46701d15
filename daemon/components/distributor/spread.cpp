#include "components/distributor/spread.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "ring/token.hpp"

namespace mimir::distributor {
namespace {

using ring::MemberIndex;
using ring::ReplicationSet;

std::span<const MemberIndex> members_of(const ReplicationSet& set) {
    return std::span(set.members).first(set.count);
}

bool same(const ReplicationSet& a, const ReplicationSet& b) {
    return a.needed == b.needed && std::ranges::equal(members_of(a), members_of(b));
}

/// Numbers the sets that it sees, in the order in which it sees them first. A hash table of open
/// addressing: requests of thousands of series may have as many sets, or one.
class SetNumbers {
  public:
    explicit SetNumbers(std::vector<ReplicationSet>& sets) : sets_(sets), slots_(kSlotsMin) {}

    std::uint32_t number_of(ReplicationSet set) {
        std::sort(set.members.begin(), set.members.begin() + set.count);
        std::uint32_t& slot = find(set);
        if (slot != 0) return slot - 1;
        sets_.push_back(set);
        slot = static_cast<std::uint32_t>(sets_.size());
        if (sets_.size() * 2 > slots_.size()) grow();
        return static_cast<std::uint32_t>(sets_.size()) - 1;
    }

  private:
    static constexpr std::size_t kSlotsMin = 64;

    static std::uint64_t hash(const ReplicationSet& set) {
        std::uint64_t hash = set.needed;
        for (const MemberIndex member : members_of(set)) {
            hash = std::rotl((hash ^ member) * 0x9E3779B97F4A7C15, 29);
        }
        return hash;
    }
    std::uint32_t& find(const ReplicationSet& set) {
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t at = hash(set) & mask;; at = (at + 1) & mask) {
            std::uint32_t& slot = slots_[at];
            if (slot == 0 || same(sets_[slot - 1], set)) return slot;
        }
    }
    void grow() {
        slots_.assign(slots_.size() * 4, 0);
        for (std::uint32_t i = 0; i < sets_.size(); ++i) find(sets_[i]) = i + 1;
    }

    std::vector<ReplicationSet>& sets_;
    std::vector<std::uint32_t> slots_;  // number + 1; 0 is free; a power of two
};

/// Whether every token has the same replicas: there are no more members than copies, so that all
/// are replicas of everything. (With zones, which of a zone's members it is depends on the token.)
bool same_for_all_tokens(const ring::RingView& view) {
    return !view.options().zone_awareness_enabled &&
           view.members().size() <= view.options().replication_factor;
}

/// The ingesters with the groups of each; those with the same groups together.
std::vector<Share> shares_of(const std::vector<ReplicationSet>& groups, std::size_t member_count) {
    std::vector<Share> of_member(member_count);
    for (std::uint32_t group = 0; group < groups.size(); ++group) {
        if (!groups[group].has_quorum()) continue;
        for (const MemberIndex member : members_of(groups[group])) {
            of_member[member].members = {member};
            of_member[member].groups.push_back(group);
        }
    }
    std::erase_if(of_member, [](const Share& share) { return share.groups.empty(); });
    std::ranges::sort(of_member, [](const Share& a, const Share& b) {
        return std::tie(a.groups, a.members) < std::tie(b.groups, b.members);
    });
    std::vector<Share> shares;
    for (Share& share : of_member) {
        if (!shares.empty() && shares.back().groups == share.groups) {
            shares.back().members.push_back(share.members.front());
        } else {
            shares.push_back(std::move(share));
        }
    }
    return shares;
}

/// Which shares each group is in: a list a group, one behind the other.
class SharesOfGroups {
  public:
    explicit SharesOfGroups(const Spread& spread) : begins_(spread.groups.size() + 1) {
        const auto each = [&](auto f) {
            for (std::uint32_t share = 0; share < spread.shares.size(); ++share) {
                if (spread.shares[share].whole) continue;
                for (const std::uint32_t group : spread.shares[share].groups) f(group, share);
            }
        };
        each([&](std::uint32_t group, std::uint32_t) { ++begins_[group + 1]; });
        for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
        shares_.resize(begins_.back());
        std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
        each([&](std::uint32_t group, std::uint32_t share) { shares_[next[group]++] = share; });
    }
    [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t group) const {
        return std::span(shares_).subspan(begins_[group], begins_[group + 1] - begins_[group]);
    }

  private:
    std::vector<std::uint32_t> begins_;
    std::vector<std::uint32_t> shares_;
};

}  // namespace

Spread spread(
    const model::TenantId& tenant,
    const model::WriteRequest& request,
    const ring::RingView& view,
    ring::SteadyTime now
) {
    Spread spread;
    const auto replicas = [&](Token token) {
        return view.replicas(token, ring::Operation::write, now);
    };
    std::vector<std::uint32_t> group_of_series;
    std::vector<std::uint32_t> group_of_metadata;
    SetNumbers numbers(spread.groups);
    if (same_for_all_tokens(view)) {
        numbers.number_of(replicas(Token{0}));
    } else {
        group_of_series.reserve(request.series.size());
        for (const model::WriteSeries& series : request.series) {
            group_of_series.push_back(
                numbers.number_of(replicas(ring::token_of(tenant, series.labels)))
            );
        }
        group_of_metadata.reserve(request.metadata.size());
        for (const model::MetricMetadata& metadata : request.metadata) {
            group_of_metadata.push_back(
                numbers.number_of(replicas(ring::token_of(tenant, metadata.metric)))
            );
        }
    }
    spread.shares = shares_of(spread.groups, view.members().size());
    bool all_whole = true;
    for (Share& share : spread.shares) {
        share.whole = share.groups.size() == spread.groups.size();
        all_whole = all_whole && share.whole;
    }
    if (all_whole) return spread;

    for (Share& share : spread.shares) {
        if (share.whole) continue;
        share.part.series.reserve(
            request.series.size() * share.groups.size() / spread.groups.size() + 16
        );
    }
    const SharesOfGroups shares(spread);
    for (std::uint32_t i = 0; i < group_of_series.size(); ++i) {
        for (const std::uint32_t share : shares.of(group_of_series[i])) {
            spread.shares[share].part.series.push_back(i);
        }
    }
    for (std::uint32_t i = 0; i < group_of_metadata.size(); ++i) {
        for (const std::uint32_t share : shares.of(group_of_metadata[i])) {
            spread.shares[share].part.metadata.push_back(i);
        }
    }
    return spread;
}

}  // namespace mimir::distributor
