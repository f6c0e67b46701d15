#pragma once

// Looking at the buckets of native histograms: their bounds, and walking over them.

#include <cstddef>
#include <cstdint>
#include <string>

#include "model/histogram.hpp"

namespace mimir::model {

/// The upper bound of a positive bucket of an exponential schema (-4..8): base^index, base =
/// 2^(2^-schema). That of the bucket that would end at 2^1024 is the largest double; the one after
/// it counts infinities.
double exponential_bound(std::int32_t index, std::int32_t schema);

/// The index that a bucket has one schema step (`steps` of them) coarser: two buckets become one.
constexpr std::int32_t coarser_index(std::int32_t index, std::int32_t steps) {
    return ((index - 1) >> steps) + 1;
}

struct Bucket {
    double lower = 0;
    double upper = 0;
    double count = 0;
    bool lower_inclusive = false;
    bool upper_inclusive = false;
};

/// [-threshold, threshold]
Bucket zero_bucket(const FloatHistogram& histogram);

enum class BucketOrder : std::uint8_t { ascending, descending };

/// Walks over all buckets: the negative ones, the zero bucket (unless it is empty), the positive
/// ones; of the others also those that are empty but covered by a span. A bucket that overlaps the
/// zero bucket is shown without the overlap.
///     for (BucketCursor cursor(histogram, BucketOrder::ascending); cursor.next();)
///     use(cursor.bucket());
/// The histogram must outlive the cursor and be valid: as many buckets as its spans say.
class BucketCursor {
  public:
    BucketCursor(const FloatHistogram& histogram, BucketOrder order);

    /// Moves to the next (at first: to the first) bucket; false at the end.
    bool next();
    [[nodiscard]] const Bucket& bucket() const { return bucket_; }

  private:
    /// Walks over the buckets of one sign, away from zero or towards it.
    struct Side {
        const std::vector<BucketSpan>* spans = nullptr;
        const std::vector<double>* counts = nullptr;
        bool outward = true;
        std::size_t span = 0;
        std::uint32_t within = 0;  // the span
        std::size_t position = 0;  // in counts
        std::int32_t index = 0;    // of the bucket

        Side(const std::vector<BucketSpan>& spans, const std::vector<double>& counts, bool outward);
        bool next();
    };
    enum class Stage : std::uint8_t { first_side, zero, second_side };

    bool next_of(Side& side, bool negative);
    void show(const Side& side, bool negative);

    const FloatHistogram* histogram_;
    BucketOrder order_;
    Stage stage_ = Stage::first_side;
    Side negative_;
    Side positive_;
    Bucket bucket_;
};

/// "{count:3, sum:5.5, [-2,-1):1, [-0.001,0.001]:1, (1,2]:1}": as Prometheus writes it; empty
/// buckets are left out.
std::string to_string(const FloatHistogram& histogram);

}  // namespace mimir::model
