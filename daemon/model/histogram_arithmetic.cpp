#include "model/histogram_arithmetic.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <span>
#include <utility>

#include "model/histogram_buckets.hpp"

namespace mimir::model {
namespace {

using Spans = std::span<const BucketSpan>;

/// Calls op with each number of a histogram and its counterparts in the others, all of one layout.
template <class Op, class... Histograms>
void for_each_number(Op op, FloatHistogram& first, Histograms&... others) {
    op(first.zero_count, others.zero_count...);
    op(first.count, others.count...);
    op(first.sum, others.sum...);
    for (std::size_t i = 0; i < first.positive_buckets.size(); ++i) {
        op(first.positive_buckets[i], others.positive_buckets[i]...);
    }
    for (std::size_t i = 0; i < first.negative_buckets.size(); ++i) {
        op(first.negative_buckets[i], others.negative_buckets[i]...);
    }
}

// --- Rewriting buckets ------------------------------------------------------------------------

/// Buckets of one sign as they are written, by rising index; those of one index become one.
struct Side {
    std::vector<BucketSpan> spans;
    std::vector<double> counts;
    std::int32_t next = 0;  // the index behind the last

    void add(std::int32_t index, double count) {
        if (!counts.empty() && index == next - 1) {
            counts.back() += count;
            return;
        }
        if (spans.empty() || index != next) spans.push_back({index - next, 0});
        ++spans.back().length;
        counts.push_back(count);
        next = index + 1;
    }
};

/// Writes both sides anew: rewrite(index, count, side) adds to the side what becomes of a bucket.
template <class Rewrite>
void rewrite_buckets(FloatHistogram& h, Rewrite rewrite) {
    const auto one_side = [&](std::vector<BucketSpan>& spans, std::vector<double>& counts) {
        Side side;
        for (BucketWalk walk(spans, counts); walk.next();) {
            rewrite(walk.index(), walk.count(), side);
        }
        spans = std::move(side.spans);
        counts = std::move(side.counts);
    };
    one_side(h.positive_spans, h.positive_buckets);
    one_side(h.negative_spans, h.negative_buckets);
}

/// Takes the buckets below a threshold, which cuts none that counts, into the zero bucket.
void widen_zero_bucket(FloatHistogram& h, double threshold) {
    if (threshold == h.zero_threshold) return;
    rewrite_buckets(h, [&](std::int32_t index, double count, Side& side) {
        if (exponential_bound(index - 1, h.schema) < threshold) {
            h.zero_count += count;
        } else {
            side.add(index, count);
        }
    });
    h.zero_threshold = threshold;
}

/// Brings the buckets to fewer custom bounds.
void merge_bounds(FloatHistogram& h, const std::vector<double>& bounds) {
    if (bounds == h.custom_bounds) return;
    rewrite_buckets(h, [&](std::int32_t index, double count, Side& side) {
        const double upper = positive_bucket(h, index, count).upper;
        const auto bucket = std::ranges::lower_bound(bounds, upper) - bounds.begin();
        side.add(static_cast<std::int32_t>(bucket), count);
    });
    h.custom_bounds = bounds;
}

// --- Bringing two histograms to one layout -----------------------------------------------------

struct Shape {
    std::int32_t schema = 0;
    double zero_threshold = 0;
    std::vector<double> custom_bounds;
};

/// The threshold, or the end of the bucket with counts that it would cut.
double uncut_threshold(const FloatHistogram& h, double threshold) {
    if (h.zero_threshold >= threshold) return threshold;
    const auto grow = [&](Spans spans, std::span<const double> counts) {
        for (BucketWalk walk(spans, counts); walk.next();) {
            if (exponential_bound(walk.index() - 1, h.schema) >= threshold) return;
            const double upper = exponential_bound(walk.index(), h.schema);
            if (walk.count() != 0) threshold = std::max(threshold, upper);
        }
    };
    grow(h.positive_spans, h.positive_buckets);
    grow(h.negative_spans, h.negative_buckets);
    return threshold;
}

double common_threshold(const FloatHistogram& a, const FloatHistogram& b) {
    double threshold = std::max(a.zero_threshold, b.zero_threshold);
    // The end of a bucket of the one may cut a bucket of the other.
    for (double before = -1; threshold > before;) {
        before = threshold;
        threshold = uncut_threshold(b, uncut_threshold(a, threshold));
    }
    return threshold;
}

Shape common_shape(const FloatHistogram& a, const FloatHistogram& b) {
    Shape shape{.schema = std::min(a.schema, b.schema)};
    if (uses_custom_buckets(a)) {
        std::ranges::set_intersection(
            a.custom_bounds, b.custom_bounds, std::back_inserter(shape.custom_bounds)
        );
    } else {
        shape.zero_threshold = common_threshold(a, b);
    }
    return shape;
}

void bring_to(FloatHistogram& h, const Shape& shape) {
    if (uses_custom_buckets(h)) return merge_bounds(h, shape.custom_bounds);
    widen_zero_bucket(h, shape.zero_threshold);
    reduce_resolution(h, shape.schema);
}

/// The spans that cover the buckets of both.
std::vector<BucketSpan> united(Spans a, Spans b) {
    Side both;
    BucketWalk of_a(a, {});
    BucketWalk of_b(b, {});
    bool more_a = of_a.next();
    bool more_b = of_b.next();
    while (more_a || more_b) {
        const bool take_a = more_a && (!more_b || of_a.index() <= of_b.index());
        const std::int32_t index = take_a ? of_a.index() : of_b.index();
        both.add(index, 0);
        if (more_b && of_b.index() == index) more_b = of_b.next();
        if (take_a) more_a = of_a.next();
    }
    return std::move(both.spans);
}

/// Gives one side wider spans.
void spread(
    std::vector<BucketSpan>& spans, std::vector<double>& counts, const std::vector<BucketSpan>& wide
) {
    if (spans == wide) return;
    std::size_t size = 0;
    for (const BucketSpan& span : wide) size += span.length;
    std::vector<double> spread_counts(size);
    BucketWalk target(wide, {});
    for (BucketWalk walk(spans, counts); walk.next();) {
        do target.next();
        while (target.index() != walk.index());
        spread_counts[target.position()] = walk.count();
    }
    spans = wide;
    counts = std::move(spread_counts);
}

bool have_same_layout(const FloatHistogram& a, const FloatHistogram& b) {
    return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
           a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
           a.custom_bounds == b.custom_bounds;
}

/// Brings histograms of one layout, and another, to a common one.
void align(std::initializer_list<FloatHistogram*> ours, FloatHistogram& other) {
    const FloatHistogram& first = **ours.begin();
    const Shape shape = common_shape(first, other);
    for (FloatHistogram* h : ours) bring_to(*h, shape);
    bring_to(other, shape);
    const auto positive = united(first.positive_spans, other.positive_spans);
    const auto negative = united(first.negative_spans, other.negative_spans);
    const auto spread_both = [&](FloatHistogram& h) {
        spread(h.positive_spans, h.positive_buckets, positive);
        spread(h.negative_spans, h.negative_buckets, negative);
    };
    for (FloatHistogram* h : ours) spread_both(*h);
    spread_both(other);
}

/// Settles the hint; returns whether the two contradict each other.
bool reconcile_hints(FloatHistogram& to, const FloatHistogram& other) {
    if (to.reset_hint == other.reset_hint || to.reset_hint == CounterResetHint::gauge) return false;
    if (other.reset_hint == CounterResetHint::gauge) {
        to.reset_hint = CounterResetHint::gauge;
        return false;
    }
    const bool conflict =
        to.reset_hint != CounterResetHint::unknown && other.reset_hint != CounterResetHint::unknown;
    to.reset_hint = CounterResetHint::unknown;
    return conflict;
}

/// What combining begins with.
Combination meet(FloatHistogram& to, const FloatHistogram& other) {
    if (uses_custom_buckets(to) != uses_custom_buckets(other)) return {.compatible = false};
    return {
        .conflicting_resets = reconcile_hints(to, other),
        .bounds_reconciled = to.custom_bounds != other.custom_bounds,
    };
}

template <class Op>
Combination combine(FloatHistogram& to, const FloatHistogram& other, Op op) {
    const Combination combination = meet(to, other);
    if (!combination.compatible) return combination;
    if (have_same_layout(to, other)) {
        for_each_number(op, to, other);
    } else {
        FloatHistogram aligned = other;
        align({&to}, aligned);
        for_each_number(op, to, aligned);
    }
    return combination;
}

/// Neumaier's variant of Kahan's sum.
void add_compensated(double& sum, double& lost, double number) {
    const double next = sum + number;
    if (std::isinf(next)) {
        lost = 0;
    } else if (std::fabs(sum) >= std::fabs(number)) {
        lost += (sum - next) + number;
    } else {
        lost += (number - next) + sum;
    }
    sum = next;
}

/// Whether a bucket of one side has shrunk; both of one schema.
bool has_shrunk(
    Spans old_spans, std::span<const double> old_counts, Spans spans, std::span<const double> counts
) {
    BucketWalk now(spans, counts);
    bool more = now.next();
    for (BucketWalk before(old_spans, old_counts); before.next();) {
        while (more && now.index() < before.index()) more = now.next();
        const double count = more && now.index() == before.index() ? now.count() : 0;
        if (count < before.count()) return true;
    }
    return false;
}

bool has_shrunk(const FloatHistogram& previous, const FloatHistogram& current) {
    return current.zero_count < previous.zero_count ||
           has_shrunk(
               previous.positive_spans,
               previous.positive_buckets,
               current.positive_spans,
               current.positive_buckets
           ) ||
           has_shrunk(
               previous.negative_spans,
               previous.negative_buckets,
               current.negative_spans,
               current.negative_buckets
           );
}

bool equal_bits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool equal_side(
    Spans a_spans, std::span<const double> a_counts, Spans b_spans, std::span<const double> b_counts
) {
    if (a_counts.size() != b_counts.size()) return false;
    BucketWalk b(b_spans, b_counts);
    for (BucketWalk a(a_spans, a_counts); a.next();) {
        if (!b.next() || a.index() != b.index() || !equal_bits(a.count(), b.count())) return false;
    }
    return true;
}

}  // namespace

Combination add(FloatHistogram& to, const FloatHistogram& other) {
    return combine(to, other, [](double& a, double b) { a += b; });
}

Combination subtract(FloatHistogram& from, const FloatHistogram& other) {
    const Combination combination = combine(from, other, [](double& a, double b) { a -= b; });
    if (combination.compatible) from.reset_hint = CounterResetHint::gauge;
    return combination;
}

HistogramSum::HistogramSum(FloatHistogram first) : sum_(std::move(first)), lost_(sum_) {
    for_each_number([](double& number) { number = 0; }, lost_);
}

Combination HistogramSum::add(const FloatHistogram& other) {
    const Combination combination = meet(sum_, other);
    if (!combination.compatible) return combination;
    if (have_same_layout(sum_, other)) {
        for_each_number(add_compensated, sum_, lost_, other);
    } else {
        FloatHistogram aligned = other;
        align({&sum_, &lost_}, aligned);
        for_each_number(add_compensated, sum_, lost_, aligned);
    }
    return combination;
}

void HistogramSum::divide(double by) {
    model::divide(sum_, by);
    model::divide(lost_, by);
}

FloatHistogram HistogramSum::result() const {
    FloatHistogram result = sum_;
    const auto correct = [](double& sum, double lost) {
        if (!std::isinf(sum)) sum += lost;
    };
    for_each_number(correct, result, lost_);
    return result;
}

void multiply(FloatHistogram& histogram, double by) {
    for_each_number([by](double& number) { number *= by; }, histogram);
    if (by < 0) histogram.reset_hint = CounterResetHint::gauge;
}

void divide(FloatHistogram& histogram, double by) {
    for_each_number([by](double& number) { number /= by; }, histogram);
    if (by < 0) histogram.reset_hint = CounterResetHint::gauge;
    if (by != 0) return;
    histogram.positive_spans.clear();
    histogram.negative_spans.clear();
    histogram.positive_buckets.clear();
    histogram.negative_buckets.clear();
}

void compact(FloatHistogram& histogram) {
    rewrite_buckets(histogram, [](std::int32_t index, double count, Side& side) {
        if (count != 0) side.add(index, count);
    });
}

void reduce_resolution(FloatHistogram& histogram, std::int32_t schema) {
    const std::int32_t steps = histogram.schema - schema;
    if (steps <= 0) return;
    rewrite_buckets(histogram, [steps](std::int32_t index, double count, Side& side) {
        side.add(coarser_index(index, steps), count);
    });
    histogram.schema = schema;
}

bool equal(const FloatHistogram& a, const FloatHistogram& b) {
    return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
           a.custom_bounds == b.custom_bounds && equal_bits(a.zero_count, b.zero_count) &&
           equal_bits(a.count, b.count) && equal_bits(a.sum, b.sum) &&
           equal_side(a.positive_spans, a.positive_buckets, b.positive_spans, b.positive_buckets) &&
           equal_side(a.negative_spans, a.negative_buckets, b.negative_spans, b.negative_buckets);
}

bool is_counter_reset(const FloatHistogram& previous, const FloatHistogram& current) {
    if (current.reset_hint == CounterResetHint::reset) return true;
    if (current.reset_hint == CounterResetHint::not_reset) return false;
    if (current.count < previous.count) return true;
    if (uses_custom_buckets(previous) != uses_custom_buckets(current)) return true;
    if (have_same_layout(previous, current)) return has_shrunk(previous, current);
    if (current.custom_bounds != previous.custom_bounds) {
        // The buckets between the bounds that both have can be compared.
        FloatHistogram before = previous;
        FloatHistogram after = current;
        align({&before}, after);
        return has_shrunk(before, after);
    }
    if (current.schema > previous.schema) return true;
    if (current.zero_threshold < previous.zero_threshold) return true;
    if (uncut_threshold(previous, current.zero_threshold) != current.zero_threshold) return true;
    FloatHistogram aligned = previous;
    bring_to(aligned, {current.schema, current.zero_threshold, current.custom_bounds});
    return has_shrunk(aligned, current);
}

}  // namespace mimir::model
