#pragma once

// What PromQL computes with native histograms. All of it takes valid histograms: as many buckets as
// their spans say, and spans without negative gaps. Source: Prometheus model/histogram, by
// behaviour.

#include <cstdint>

#include "model/histogram.hpp"

namespace mimir::model {

inline bool uses_custom_buckets(const FloatHistogram& histogram) {
    return histogram.schema == kCustomBucketsSchema;
}

/// What came up while two histograms were combined; the engine tells users of it.
struct Combination {
    /// False for one histogram with exponential and one with custom buckets; nothing was changed
    /// then.
    bool compatible = true;
    /// One began after a counter reset, the other continues: adding them makes little sense.
    bool conflicting_resets = false;
    /// Custom bounds were different; those that both have are left.
    bool bounds_reconciled = false;
};

/// Adds the other, bringing both to the coarser schema, the wider zero bucket and the custom bounds
/// they share. The hint is kept when both agree; else it is gauge if one is a gauge, or unknown.
Combination add(FloatHistogram& to, const FloatHistogram& other);

/// Takes the other away; the difference is a gauge.
Combination subtract(FloatHistogram& from, const FloatHistogram& other);

/// A sum of many with compensation for rounding (Kahan, Neumaier): what was lost is carried in a
/// second histogram.
class HistogramSum {
  public:
    explicit HistogramSum(FloatHistogram first);

    Combination add(const FloatHistogram& other);
    /// Divides the sum so far.
    void divide(double by);
    /// The sum so far, without what was lost: for seeing whether it overflowed.
    [[nodiscard]] const FloatHistogram& uncorrected() const { return sum_; }
    [[nodiscard]] FloatHistogram result() const;

  private:
    FloatHistogram sum_;
    FloatHistogram lost_;  // same layout as sum_
};

/// Multiplies counts and sum; by a negative number it makes a gauge.
void multiply(FloatHistogram& histogram, double by);
/// Divides counts and sum. By zero: no buckets are left, as none could be told from another.
void divide(FloatHistogram& histogram, double by);

/// Takes out empty buckets and unneeded spans.
void compact(FloatHistogram& histogram);

/// Brings an exponential histogram to a coarser schema (not above its own).
void reduce_resolution(FloatHistogram& histogram, std::int32_t schema);

/// The same in all but the counter reset hint; NaN equals NaN of the same bits.
bool equal(const FloatHistogram& a, const FloatHistogram& b);

/// Whether counting began anew between two histograms of a series: as the hint says; without one,
/// when something that only grows has shrunk. A gauge is looked at as if it were a counter.
bool is_counter_reset(const FloatHistogram& previous, const FloatHistogram& current);

}  // namespace mimir::model
