#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/types.hpp"
#include "model/exemplar.hpp"
#include "model/matcher.hpp"
#include "tsdb/head/head.hpp"

namespace mimir::tsdb::detail {

/// The newest exemplars of all series; each new one displaces the oldest.
/// Threads: one at a time.
class ExemplarRing {
  public:
    explicit ExemplarRing(std::size_t capacity) : capacity_(capacity) {}

    /// The series' newest exemplar; null when it has none.
    [[nodiscard]] const model::Exemplar* newest(const model::LabelsHash& series) const;
    /// Adds it, unless it is the series' newest again or older than that.
    void add(
        model::LabelsView labels, const model::LabelsHash& series, const model::Exemplar& exemplar
    );

    [[nodiscard]] std::vector<SeriesExemplars> select(
        std::span<const model::Matchers> selectors, TimeRange range
    ) const;
    [[nodiscard]] std::size_t size() const { return ring_.size(); }

  private:
    struct Series {
        model::Labels labels;
        std::size_t newest = 0;  // in the ring
        std::size_t count = 0;
    };
    struct Entry {
        model::LabelsHash series;
        model::Exemplar exemplar;
    };

    void displace(const Entry& entry);

    const std::size_t capacity_;
    std::vector<Entry> ring_;
    std::size_t next_ = 0;  // where the next one goes once the ring is full: the oldest
    std::unordered_map<model::LabelsHash, Series, model::LabelsHashHasher> series_;
};

}  // namespace mimir::tsdb::detail
