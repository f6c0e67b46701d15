#pragma once

// Looking at the buckets of native histograms: their bounds, and walking over them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "model/histogram.hpp"

namespace mimir::model {

/// The upper bound of a positive bucket of an exponential schema (-4..8): base^index, base =
/// 2^(2^-schema). That of the bucket that would end at 2^1024 is the largest double; the one after
/// it counts infinities.
double exponential_bound(std::int32_t index, std::int32_t schema);

/// The index that a bucket has after so many steps to a coarser schema; each makes one bucket of two.
constexpr std::int32_t coarser_index(std::int32_t index, std::int32_t steps) {
    return ((index - 1) >> steps) + 1;
}

/// Walks over the buckets of one sign by their indexes:
///     for (BucketWalk walk(spans, counts); walk.next();) use(walk.index(), walk.count());
/// There must be as many counts as the spans say; both must outlive the walk.
class BucketWalk {
  public:
    enum class Direction : std::uint8_t { outward, inward };  // by rising index, by falling index

    BucketWalk(
        std::span<const BucketSpan> spans,
        std::span<const double> counts,
        Direction direction = Direction::outward
    );

    bool next() { return direction_ == Direction::outward ? next_outward() : next_inward(); }
    [[nodiscard]] std::int32_t index() const { return index_; }
    /// Of the bucket among the counts.
    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] double count() const { return counts_[position_]; }

  private:
    bool next_outward() {
        while (span_ < spans_.size() && within_ == spans_[span_].length) {
            within_ = 0;
            if (++span_ < spans_.size()) index_ += spans_[span_].offset;
        }
        if (span_ == spans_.size()) return false;
        ++within_;
        ++index_;
        ++position_;
        return true;
    }
    bool next_inward();

    std::span<const BucketSpan> spans_;
    std::span<const double> counts_;
    Direction direction_;
    std::size_t span_ = 0;
    std::uint32_t within_ = 0;  // how many of the span's buckets lie before the next step
    std::int32_t index_ = 0;
    std::size_t position_ = 0;
};

struct Bucket {
    double lower = 0;
    double upper = 0;
    double count = 0;
    bool lower_inclusive = false;
    bool upper_inclusive = false;
};

/// [-threshold, threshold]
Bucket zero_bucket(const FloatHistogram& histogram);
/// The bucket of that index and count; for the positive side (lower, upper], for the other mirrored.
Bucket positive_bucket(const FloatHistogram& histogram, std::int32_t index, double count);
Bucket negative_bucket(const FloatHistogram& histogram, std::int32_t index, double count);

enum class BucketOrder : std::uint8_t { ascending, descending };

/// Walks over all buckets: the negative ones, the zero bucket (unless it is empty), the positive ones.
/// Of the others also those that are empty but covered by a span. A bucket that overlaps the zero
/// bucket is shown without the overlap.
///     for (BucketCursor cursor(histogram, BucketOrder::ascending); cursor.next();) {
///         use(cursor.bucket());
///     }
/// The histogram must outlive the cursor and be valid: as many buckets as its spans say.
class BucketCursor {
  public:
    BucketCursor(const FloatHistogram& histogram, BucketOrder order);

    /// Moves to the next (at first: to the first) bucket; false at the end.
    bool next();
    [[nodiscard]] const Bucket& bucket() const { return bucket_; }

  private:
    enum class Stage : std::uint8_t { first_side, zero, second_side };

    bool next_positive();
    bool next_negative();

    const FloatHistogram* histogram_;
    BucketOrder order_;
    Stage stage_ = Stage::first_side;
    BucketWalk negative_;
    BucketWalk positive_;
    Bucket bucket_;
};

/// "{count:3, sum:5.5, [-2,-1):1, [-0.001,0.001]:1, (1,2]:1}": as Prometheus writes it; empty
/// buckets are left out.
std::string to_string(const FloatHistogram& histogram);

}  // namespace mimir::model
