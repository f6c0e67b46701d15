#include "chunkenc/histogram_appender.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "chunkenc/detail/histogram_layout.hpp"
#include "chunkenc/detail/histogram_rows.hpp"
#include "model/histogram_buckets.hpp"

namespace mimir::chunkenc {
namespace detail {

// What chunks are cut at. Source: Prometheus tsdb/head_append.go; docs/formats/chunks.md.
constexpr std::size_t kHistogramChunkBytesTarget = 1024;
constexpr std::size_t kHistogramChunkSamplesMin = 10;
constexpr std::size_t kHistogramChunkSamplesMax = 65535;

// A bucket's number is its count, or for integers the difference to the count of the bucket before.

const std::vector<std::int64_t>& positive(const model::Histogram& h) { return h.positive_deltas; }
const std::vector<std::int64_t>& negative(const model::Histogram& h) { return h.negative_deltas; }
const std::vector<double>& positive(const model::FloatHistogram& h) { return h.positive_buckets; }
const std::vector<double>& negative(const model::FloatHistogram& h) { return h.negative_buckets; }

std::int64_t next_count(std::int64_t count, std::int64_t number) { return count + number; }
double next_count(double, double number) { return number; }

void to_numbers(std::span<std::int64_t> counts) {
    std::adjacent_difference(counts.begin(), counts.end(), counts.begin());
}
void to_numbers(std::span<double>) {}

/// Appends to `wide` the buckets that are `to`, with the counts of those that are `from`: a subset.
template <class Number>
void spread(
    std::span<const Number> numbers,
    std::span<const std::int32_t> from,
    std::span<const std::int32_t> to,
    std::vector<Number>& wide
) {
    const std::size_t begin = wide.size();
    wide.resize(begin + to.size());
    Number count = 0;
    for (std::size_t i = 0, at = 0; i < from.size(); ++i) {
        while (to[at] != from[i]) ++at;
        count = next_count(count, numbers[i]);
        wide[begin + at] = count;
    }
    to_numbers(std::span(wide).subspan(begin));
}

std::vector<std::int32_t> united(
    const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b
) {
    std::vector<std::int32_t> both;
    std::ranges::set_union(a, b, std::back_inserter(both));
    return both;
}

/// The indexes of a layout's buckets.
struct BucketIndexes {
    std::vector<std::int32_t> positive;
    std::vector<std::int32_t> negative;

    template <class Layout>
    static BucketIndexes of(const Layout& layout) {
        return {bucket_indexes(layout.positive_spans), bucket_indexes(layout.negative_spans)};
    }
    [[nodiscard]] std::size_t size() const { return positive.size() + negative.size(); }
};

template <class HistogramType>
class HistogramChunkWriter {
    using ColumnType = std::
        conditional_t<std::is_same_v<HistogramType, model::Histogram>, IntegerColumn, FloatColumn>;
    using Number = typename ColumnType::Number;
    using Row = HistogramRow<Number>;

  public:
    void begin(TimestampMs time, const HistogramType& h, HistogramFit fit) {
        header_ = header_for(h, fit);
        count_ = 0;
        write_head(model::is_stale(h.sum) ? HistogramLayout{} : HistogramLayout::of(h));
        put_row(to_row(time, h));
    }

    HistogramFit append(TimestampMs time, const HistogramType& h) {
        const HistogramFit result = fit(h);
        if (result != HistogramFit::appendable) return result;
        if (model::is_stale(h.sum) || has_layout_of(h)) {
            put_row(to_row(time, h));
        } else {
            append_with_other_buckets(time, h);
        }
        return result;
    }

    [[nodiscard]] HistogramFit fit(const HistogramType& h) const {
        if (!columns_) return HistogramFit::other_layout;
        if (model::is_stale(h.sum)) return appendable();
        const bool gauge = h.reset_hint == model::CounterResetHint::gauge;
        if (model::is_stale(columns_->last_sum()) || gauge != (header_ == ResetHeader::gauge) ||
            h.schema != layout_.schema || h.zero_threshold != layout_.zero_threshold) {
            return h.reset_hint == model::CounterResetHint::reset ? HistogramFit::counter_reset
                                                                  : HistogramFit::other_layout;
        }
        const bool same_bounds = h.custom_bounds == layout_.custom_bounds;
        if (gauge) return same_bounds ? appendable() : HistogramFit::other_layout;
        return same_bounds && !has_shrunk(h) ? appendable() : HistogramFit::counter_reset;
    }

    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::string_view data() const { return bits_.data(); }

  private:
    static ResetHeader header_for(const HistogramType& h, HistogramFit fit) {
        if (h.reset_hint == model::CounterResetHint::gauge) return ResetHeader::gauge;
        if (h.reset_hint == model::CounterResetHint::reset) return ResetHeader::reset;
        switch (fit) {
            case HistogramFit::appendable:
            case HistogramFit::chunk_full: return ResetHeader::not_reset;
            case HistogramFit::counter_reset: return ResetHeader::reset;
            case HistogramFit::other_layout: break;
        }
        return ResetHeader::unknown;
    }

    [[nodiscard]] HistogramFit appendable() const {
        const bool grown =
            data().size() >= kHistogramChunkBytesTarget && count_ >= kHistogramChunkSamplesMin;
        return grown || count_ == kHistogramChunkSamplesMax ? HistogramFit::chunk_full
                                                            : HistogramFit::appendable;
    }

    /// Whether something that only grows has shrunk.
    [[nodiscard]] bool has_shrunk(const HistogramType& h) const {
        if (h.reset_hint == model::CounterResetHint::reset) return true;
        if (static_cast<Number>(h.count) < columns_->last_count()) return true;
        if (static_cast<Number>(h.zero_count) < columns_->last_zero_count()) return true;
        const std::size_t negative_begin = bucket_count(layout_.positive_spans);
        return has_shrunk(layout_.positive_spans, 0, h.positive_spans, positive(h)) ||
               has_shrunk(layout_.negative_spans, negative_begin, h.negative_spans, negative(h));
    }
    /// The same of the buckets of one sign; in the last row they begin at `old_begin`.
    bool has_shrunk(
        Spans old_spans, std::size_t old_begin, Spans new_spans, std::span<const Number> numbers
    ) const {
        Number new_count = 0;
        model::BucketWalk now(new_spans, {});
        const auto next_new = [&] {
            if (!now.next()) return false;
            new_count = next_count(new_count, numbers[now.position()]);
            return true;
        };
        bool more = next_new();
        Number old_count = 0;
        for (model::BucketWalk before(old_spans, {}); before.next();) {
            const std::size_t position = old_begin + before.position();
            old_count = next_count(old_count, columns_->last_bucket(position));
            while (more && now.index() < before.index()) more = next_new();
            const bool present = more && now.index() == before.index();
            if ((present ? new_count : Number{0}) < old_count) return true;
        }
        return false;
    }

    [[nodiscard]] bool has_layout_of(const HistogramType& h) const {
        return h.positive_spans == layout_.positive_spans &&
               h.negative_spans == layout_.negative_spans;
    }

    void append_with_other_buckets(TimestampMs time, const HistogramType& h) {
        const BucketIndexes ours = BucketIndexes::of(layout_);
        const BucketIndexes theirs = BucketIndexes::of(h);
        const BucketIndexes all{
            united(ours.positive, theirs.positive), united(ours.negative, theirs.negative)
        };
        if (all.size() != ours.size()) widen(ours, all);
        put_row(widened(to_row(time, h), theirs, all));
    }

    /// Writes the chunk anew, with more buckets.
    void widen(const BucketIndexes& from, const BucketIndexes& to) {
        const std::string old(data().substr(kHistogramLayoutOffset));
        BitReader reader(old);
        HistogramLayout layout;
        MIMIR_ASSERT(get_layout(reader, layout), "we wrote it");
        HistogramColumns<ColumnType> columns(from.size());
        layout.positive_spans = spans_of(to.positive);
        layout.negative_spans = spans_of(to.negative);
        write_head(std::move(layout));
        Row row;
        for (std::size_t rows = std::exchange(count_, 0); rows > 0; --rows) {
            columns.get(reader, row);
            put_row(row.is_stale() ? row : widened(row, from, to));
        }
        MIMIR_ASSERT(reader.ok(), "we wrote it");
    }

    static Row widened(const Row& row, const BucketIndexes& from, const BucketIndexes& to) {
        Row wide{row.time, row.count, row.zero_count, row.sum, {}};
        wide.buckets.reserve(to.size());
        const std::span numbers(row.buckets);
        const std::size_t positive = from.positive.size();
        spread<Number>(numbers.first(positive), from.positive, to.positive, wide.buckets);
        spread<Number>(numbers.subspan(positive), from.negative, to.negative, wide.buckets);
        return wide;
    }

    static Row to_row(TimestampMs time, const HistogramType& h) {
        Row row{time.ms, 0, 0, h.sum, {}};
        if (row.is_stale()) return row;
        MIMIR_ASSERT(
            positive(h).size() == bucket_count(h.positive_spans) &&
                negative(h).size() == bucket_count(h.negative_spans),
            "histograms are checked where they come in"
        );
        row.count = static_cast<Number>(h.count);
        row.zero_count = static_cast<Number>(h.zero_count);
        row.buckets = positive(h);
        row.buckets.insert(row.buckets.end(), negative(h).begin(), negative(h).end());
        return row;
    }

    void write_head(HistogramLayout layout) {
        bits_.clear();
        bits_.put(0, 16);
        bits_.put(static_cast<std::uint64_t>(header_), 8);
        put_layout(bits_, layout);
        layout_ = std::move(layout);
        columns_.emplace(
            bucket_count(layout_.positive_spans) + bucket_count(layout_.negative_spans)
        );
    }

    void put_row(const Row& row) {
        columns_->put(bits_, row);
        encoding::store_be(bits_.at(0), ++count_);
    }

    BitWriter bits_;
    ResetHeader header_ = ResetHeader::unknown;
    HistogramLayout layout_;
    std::optional<HistogramColumns<ColumnType>> columns_;  // none before begin()
    std::uint16_t count_ = 0;
};

}  // namespace detail

template <class HistogramType>
BasicHistogramAppender<HistogramType>::BasicHistogramAppender()
    : writer_(std::make_unique<detail::HistogramChunkWriter<HistogramType>>()) {}
template <class HistogramType>
BasicHistogramAppender<HistogramType>::~BasicHistogramAppender() = default;
template <class HistogramType>
BasicHistogramAppender<HistogramType>::BasicHistogramAppender(BasicHistogramAppender&&) noexcept =
    default;
template <class HistogramType>
BasicHistogramAppender<HistogramType>&
BasicHistogramAppender<HistogramType>::operator=(BasicHistogramAppender&&) noexcept = default;

template <class HistogramType>
void BasicHistogramAppender<HistogramType>::begin(
    TimestampMs time, const HistogramType& histogram, HistogramFit fit
) {
    writer_->begin(time, histogram, fit);
}
template <class HistogramType>
HistogramFit BasicHistogramAppender<HistogramType>::append(
    TimestampMs time, const HistogramType& histogram
) {
    return writer_->append(time, histogram);
}
template <class HistogramType>
HistogramFit BasicHistogramAppender<HistogramType>::fit(const HistogramType& histogram) const {
    return writer_->fit(histogram);
}
template <class HistogramType>
std::size_t BasicHistogramAppender<HistogramType>::count() const {
    return writer_->count();
}
template <class HistogramType>
std::string_view BasicHistogramAppender<HistogramType>::data() const {
    return writer_->data();
}

template class BasicHistogramAppender<model::Histogram>;
template class BasicHistogramAppender<model::FloatHistogram>;

}  // namespace mimir::chunkenc
