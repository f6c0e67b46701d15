#pragma once

// Numbers as rows of an evaluation hold them, and sums that lose nothing.

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "model/histogram.hpp"

namespace mimir::promql {

using HistogramPtr = std::shared_ptr<const model::FloatHistogram>;

/// Prometheus' stale marker, a signalling NaN that no operation on numbers yields. In rows it stands for "no value
/// here": selectors never let a stale marker through.
inline constexpr std::uint64_t kAbsentBits = 0x7FF0000000000002;
inline constexpr double kAbsent = std::bit_cast<double>(kAbsentBits);
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline bool is_absent(double value) { return std::bit_cast<std::uint64_t>(value) == kAbsentBits; }
/// The same bits, seen in a sample.
inline bool is_stale_marker(double value) { return is_absent(value); }

/// A sum with Neumaier's compensation, as Prometheus computes it. Starts at -0, which is neutral.
struct CompensatedSum {
    double sum = -0.0;
    double compensation = 0;

    void add(double x) {
        const double total = sum + x;
        if (std::isinf(total)) {
            compensation = 0;
        } else if (std::abs(sum) >= std::abs(x)) {
            compensation += (sum - total) + x;
        } else {
            compensation += (x - total) + sum;
        }
        sum = total;
    }
    [[nodiscard]] double value() const { return std::isinf(sum) ? sum : sum + compensation; }
};

/// The sum of many; the same as adding one after the other, without a branch a value.
inline CompensatedSum compensated_sum(std::span<const double> values) {
    CompensatedSum fast;
    for (const double x : values) {
        // Knuth's two-sum: exact like Neumaier's, whichever of the two is larger.
        const double total = fast.sum + x;
        const double part = total - fast.sum;
        fast.compensation += (fast.sum - (total - part)) + (x - part);
        fast.sum = total;
    }
    if (std::isfinite(fast.compensation)) return fast;
    CompensatedSum sum;
    for (const double x : values) sum.add(x);
    return sum;
}

/// A mean over a compensated sum, which goes over to an incremental mean before the sum would overflow.
class CompensatedMean {
  public:
    void add(double x);
    [[nodiscard]] double value() const {
        return incremental_ ? sum_.sum + sum_.compensation
                            : sum_.sum / count_ + sum_.compensation / count_;
    }

  private:
    CompensatedSum sum_;  // once incremental: the mean
    double count_ = 0;
    bool incremental_ = false;
};

inline void CompensatedMean::add(double x) {
    ++count_;
    if (!incremental_) {
        CompensatedSum next = sum_;
        next.add(x);
        if (count_ == 1 || !std::isinf(next.sum)) {
            sum_ = next;
            return;
        }
        incremental_ = true;
        sum_.sum /= count_ - 1;
        sum_.compensation /= count_ - 1;
    }
    if (std::isinf(sum_.sum)) {
        // An infinite mean stays, unless the opposite infinity or a NaN comes.
        if (std::isinf(x) && (sum_.sum > 0) == (x > 0)) return;
        if (std::isfinite(x)) return;
    }
    const double keep = (count_ - 1) / count_;
    CompensatedSum next{keep * sum_.sum, keep * sum_.compensation};
    next.add(x / count_);
    sum_ = next;
}

/// Welford's running variance (of the population), compensated.
class RunningVariance {
  public:
    void add(double x) {
        ++count_;
        const double delta = x - mean_.value();
        mean_.add(delta / count_);
        squares_.add(delta * (x - mean_.value()));
    }
    [[nodiscard]] double value() const { return squares_.value() / count_; }

  private:
    double count_ = 0;
    CompensatedSum mean_{0, 0};
    CompensatedSum squares_{0, 0};
};

}  // namespace mimir::promql
