#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/guarded.hpp"
#include "model/labels.hpp"

namespace mimir::distributor {

/// Remembers label sets that were found canonical and valid, so that a series which is sent again and again is checked
/// once. A set is known by 64 bits of its hash, which is seeded per process: what was never added is taken for known
/// with a probability of 1e-12 at a million sets. Sets are forgotten at random when there is no more room; that costs
/// another check and nothing else.
/// Threads: any. Cost: contains() reads one cache line; 16 to 32 bytes a set.
class KnownSeries {
    struct Table;

  public:
    /// Room for `sets_max` sets, taken as it is needed.
    explicit KnownSeries(std::size_t sets_max);
    ~KnownSeries();

    /// A look at the table, for the time of one request.
    class Reader {
      public:
        void prefetch(const model::LabelsHash& hash) const;
        [[nodiscard]] bool contains(const model::LabelsHash& hash) const;

      private:
        friend class KnownSeries;
        explicit Reader(std::shared_ptr<Table> table) : table_(std::move(table)) {}
        std::shared_ptr<Table> table_;
    };
    [[nodiscard]] Reader reader() const;

    void add(const model::LabelsHash& hash);

  private:
    const std::size_t buckets_max_;
    Guarded<std::shared_ptr<Table>> table_;
};

}  // namespace mimir::distributor
