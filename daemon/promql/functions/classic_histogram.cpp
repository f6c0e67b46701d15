#include "promql/functions/classic_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mimir::promql {

namespace {

/// Differences up to this share are taken for rounding.
constexpr double kSmallDelta = 1e-12;

bool nearly_equal(double a, double b) {
    constexpr double kMinNormal = std::numeric_limits<double>::min();
    if (a == b) return true;
    const double sum = std::abs(a) + std::abs(b);
    const double difference = std::abs(a - b);
    if (a == 0 || b == 0 || sum < kMinNormal) return difference < kSmallDelta * kMinNormal;
    return difference / std::min(sum, std::numeric_limits<double>::max()) < kSmallDelta;
}

/// Sorted by bound, equal bounds added up; empty unless the highest is +Inf.
std::span<ClassicBucket> in_order(std::span<ClassicBucket> buckets) {
    std::ranges::sort(buckets, {}, &ClassicBucket::upper_bound);
    if (buckets.empty() || buckets.back().upper_bound != kInfinity) return {};
    std::size_t last = 0;
    for (std::size_t i = 1; i < buckets.size(); ++i) {
        if (buckets[i].upper_bound == buckets[last].upper_bound) {
            buckets[last].count += buckets[i].count;
        } else {
            buckets[++last] = buckets[i];
        }
    }
    return buckets.first(last + 1);
}

void make_monotonic(std::span<ClassicBucket> buckets, bool& mended) {
    double before = buckets.front().count;
    for (auto& [bound, count] : buckets.subspan(1)) {
        if (count == before) continue;
        if (nearly_equal(count, before)) {
            count = before;
        } else if (count < before) {
            mended = true;
            count = before;
        } else {
            before = count;
        }
    }
}

}  // namespace

double classic_quantile(double q, std::span<ClassicBucket> buckets, bool& mended) {
    if (std::isnan(q)) return kNaN;
    if (q < 0) return -kInfinity;
    if (q > 1) return kInfinity;
    buckets = in_order(buckets);
    if (buckets.empty()) return kNaN;
    make_monotonic(buckets, mended);
    if (buckets.size() < 2 || buckets.back().count == 0) return kNaN;

    double rank = q * buckets.back().count;
    const auto finite = buckets.first(buckets.size() - 1);
    const auto at = static_cast<std::size_t>(
        std::ranges::partition_point(finite, [&](const auto& b) { return !(b.count >= rank); }) -
        finite.begin()
    );
    if (at == finite.size()) return finite.back().upper_bound;
    const double end = buckets[at].upper_bound;
    if (at == 0 && end <= 0) return end;
    double begin = 0;
    double count = buckets[at].count;
    if (at > 0) {
        begin = buckets[at - 1].upper_bound;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    return begin + (end - begin) * (rank / count);
}

double classic_fraction(double lower, double upper, std::span<ClassicBucket> buckets) {
    buckets = in_order(buckets);
    if (buckets.empty() || buckets.back().count == 0 || std::isnan(lower) || std::isnan(upper)) {
        return kNaN;
    }
    if (lower >= upper) return 0;
    const double total = buckets.back().count;
    const auto rank_of = [&](double x) {
        double begin = buckets.front().upper_bound > 0 ? 0 : -kInfinity;
        double before = 0;
        for (const auto& [end, count] : buckets) {
            if (begin >= x) return std::min(before, total);
            if (end > x) {
                // Nothing is known of where in an infinite bucket its observations are.
                const double share = begin == -kInfinity ? 1 : (x - begin) / (end - begin);
                return std::min(before + (count - before) * share, total);
            }
            begin = end;
            before = count;
        }
        return total;
    };
    return (rank_of(upper) - rank_of(lower)) / total;
}

}  // namespace mimir::promql
