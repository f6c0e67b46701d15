#include "chunkenc/detail/decoders.hpp"
#include "chunkenc/detail/histogram_layout.hpp"
#include "chunkenc/detail/histogram_rows.hpp"

namespace mimir::chunkenc::detail {
namespace {

using model::CounterResetHint;
using model::FloatHistogram;

/// The counts of buckets that are written as differences to the bucket before.
void append_counts(std::span<const std::int64_t> deltas, std::vector<double>& counts) {
    std::uint64_t count = 0;
    for (const std::int64_t delta : deltas) {
        count += static_cast<std::uint64_t>(delta);
        counts.push_back(static_cast<double>(static_cast<std::int64_t>(count)));
    }
}
void append_counts(std::span<const double> buckets, std::vector<double>& counts) {
    counts.assign(buckets.begin(), buckets.end());
}

double to_count(std::int64_t count) {
    return static_cast<double>(static_cast<std::uint64_t>(count));
}
double to_count(double count) { return count; }

CounterResetHint hint_of(std::uint8_t flags, std::size_t sample) {
    if (flags == static_cast<std::uint8_t>(ResetHeader::gauge)) return CounterResetHint::gauge;
    return sample == 0 ? CounterResetHint::unknown : CounterResetHint::not_reset;
}

/// Makes histograms of rows.
class HistogramBuilder {
  public:
    explicit HistogramBuilder(const HistogramLayout& layout)
        : layout_(layout), positive_count_(bucket_count(layout.positive_spans)) {}

    template <class Number>
    FloatHistogram build(const HistogramRow<Number>& row, CounterResetHint hint) const {
        if (row.is_stale()) return {.sum = row.sum};
        FloatHistogram histogram{
            .reset_hint = hint,
            .schema = layout_.schema,
            .zero_threshold = layout_.zero_threshold,
            .zero_count = to_count(row.zero_count),
            .count = to_count(row.count),
            .sum = row.sum,
            .positive_spans = layout_.positive_spans,
            .negative_spans = layout_.negative_spans,
            .custom_bounds = layout_.custom_bounds,
        };
        const std::span<const Number> buckets(row.buckets);
        histogram.positive_buckets.reserve(positive_count_);
        histogram.negative_buckets.reserve(buckets.size() - positive_count_);
        append_counts(buckets.first(positive_count_), histogram.positive_buckets);
        append_counts(buckets.subspan(positive_count_), histogram.negative_buckets);
        return histogram;
    }

  private:
    const HistogramLayout& layout_;
    std::size_t positive_count_;
};

/// Whether all the samples were there.
template <class ColumnType>
bool read_samples(std::string_view data, std::size_t count, TimeRange range, Points& out) {
    const auto flags = static_cast<std::uint8_t>(data[kHistogramFlagsOffset] & kResetHeaderMask);
    BitReader reader(data.substr(kHistogramLayoutOffset));
    HistogramLayout layout;
    if (!get_layout(reader, layout)) return false;
    const HistogramBuilder builder(layout);
    HistogramColumns<ColumnType> columns(
        bucket_count(layout.positive_spans) + bucket_count(layout.negative_spans)
    );
    HistogramRow<typename ColumnType::Number> row;
    for (std::size_t i = 0; i < count; ++i) {
        columns.get(reader, row);
        if (!reader.ok()) return false;
        const TimestampMs time{row.time};
        if (!range.contains(time)) continue;
        out.histogram_times.push_back(time);
        out.histograms.push_back(builder.build(row, hint_of(flags, i)));
    }
    return true;
}

template <class ColumnType>
Result<void> decode_rows(std::string_view data, TimeRange range, Points& out) {
    encoding::ByteReader head(data);
    const std::size_t count = head.be16();
    if (head.ok() && count == 0) return {};
    const std::size_t begin = out.histograms.size();
    if (data.size() > kHistogramLayoutOffset && read_samples<ColumnType>(data, count, range, out)) {
        return {};
    }
    out.histogram_times.resize(begin);
    out.histograms.resize(begin);
    return fail(
        ErrorKind::corrupt,
        "histogram chunk of {} samples in {} bytes is damaged",
        count,
        data.size()
    );
}

}  // namespace

Result<void> decode_histograms(std::string_view data, TimeRange range, Points& out) {
    return decode_rows<IntegerColumn>(data, range, out);
}

Result<void> decode_float_histograms(std::string_view data, TimeRange range, Points& out) {
    return decode_rows<FloatColumn>(data, range, out);
}

}  // namespace mimir::chunkenc::detail
