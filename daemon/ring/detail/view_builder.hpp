#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ring/detail/table_view.hpp"

namespace mimir::ring::detail {

/// Makes the next view from the last one and what changed.
/// Threads: one at a time.
class ViewBuilder {
  public:
    explicit ViewBuilder(RingOptions options);

    /// Instances to be as given from now on; and instances to be gone, where there.
    struct Changes {
        struct Put {
            std::shared_ptr<const Instance> instance;
            std::shared_ptr<const std::atomic<SteadyTime>> seen;
        };
        std::vector<Put> put;
        std::vector<std::string> removed;
    };
    std::shared_ptr<const TableView> apply(const Changes& changes);

    /// Of the last apply().
    [[nodiscard]] const TokenTable::Cost& cost() const { return cost_; }

  private:
    struct Seated {
        Member member;
        Slot slot = 0;
    };
    void unseat(std::string_view id, std::vector<Placed>& removed);

    std::shared_ptr<const RingOptions> options_;
    std::map<std::string, Seated, std::less<>> members_;
    std::vector<Slot> free_slots_;
    Slot slots_ = 0;
    std::shared_ptr<const TokenTable> table_ = std::make_shared<TokenTable>();
    std::uint64_t revision_ = 0;
    TokenTable::Cost cost_;
};

}  // namespace mimir::ring::detail
