#pragma once

// The samples of a histogram chunk as rows of numbers, one column a field, each column coded
// against the row before. The two kinds of chunk differ in how a column is coded, in nothing else:
//     Histogram       IntegerColumn: the first number whole, then the change of the change
//     FloatHistogram  FloatColumn: the first number whole, then the bits that differ

#include <bit>
#include <cstdint>
#include <vector>

#include "chunkenc/detail/bits.hpp"
#include "chunkenc/detail/varbit.hpp"
#include "chunkenc/detail/xor_field.hpp"
#include "model/sample.hpp"

namespace mimir::chunkenc::detail {

enum class RowPlace : std::uint8_t { first, later };

/// Unsigned inside, as the numbers of a damaged chunk may wrap.
class IntegerColumn {
  public:
    using Number = std::int64_t;

    void put(BitWriter& to, Number number, RowPlace place) {
        if (place == RowPlace::first) {
            put_varbit(to, number);
            return start(number);
        }
        const std::uint64_t change = static_cast<std::uint64_t>(number) - last_;
        put_varbit(to, static_cast<std::int64_t>(change - last_change_));
        last_ += change;
        last_change_ = change;
    }
    void get(BitReader& from, RowPlace place) {
        if (place == RowPlace::first) return start(get_varbit(from));
        last_change_ += static_cast<std::uint64_t>(get_varbit(from));
        last_ += last_change_;
    }

    // Of a number that is never negative, the first is written as such.
    void put_count(BitWriter& to, Number number, RowPlace place) {
        if (place == RowPlace::later) return put(to, number, place);
        put_uvarbit(to, static_cast<std::uint64_t>(number));
        start(number);
    }
    void get_count(BitReader& from, RowPlace place) {
        if (place == RowPlace::later) return get(from, place);
        start(static_cast<Number>(get_uvarbit(from)));
    }

    [[nodiscard]] Number last() const { return static_cast<Number>(last_); }

  private:
    void start(Number number) { last_ = static_cast<std::uint64_t>(number); }

    std::uint64_t last_ = 0;
    std::uint64_t last_change_ = 0;
};

class FloatColumn {
  public:
    using Number = double;

    void put(BitWriter& to, Number number, RowPlace place) {
        const auto bits = std::bit_cast<std::uint64_t>(number);
        if (place == RowPlace::first) {
            to.put(bits, 64);
        } else {
            const XorCode code = xor_code(bits ^ last_, window_);
            to.put(code.prefix, code.prefix_count);
            if (code.field_count > 0) to.put(code.field, code.field_count);
        }
        last_ = bits;
    }
    void get(BitReader& from, RowPlace place) {
        last_ = place == RowPlace::first ? from.get(64) : last_ ^ get_difference(from);
    }
    void put_count(BitWriter& to, Number number, RowPlace place) { put(to, number, place); }
    void get_count(BitReader& from, RowPlace place) { get(from, place); }

    [[nodiscard]] Number last() const { return std::bit_cast<Number>(last_); }

  private:
    std::uint64_t get_difference(BitReader& from) {
        const std::uint64_t word = from.peek();
        if (word >> 63 == 0b0) {
            from.skip(1);
            return 0;
        }
        if (word >> 62 == 0b10) {
            from.skip(2);
        } else {
            from.skip(13);
            if (!read_window(word, window_)) from.spoil();
        }
        if (!from.ok() || window_.leading == XorWindow::kNone) {
            from.spoil();
            return 0;
        }
        return from.get(window_.width()) << window_.trailing;
    }

    std::uint64_t last_ = 0;
    XorWindow window_;
};

/// One sample; its buckets in the order of the layout, the positive ones before the negative ones.
template <class Number>
struct HistogramRow {
    std::int64_t time = 0;
    Number count = 0;
    Number zero_count = 0;
    double sum = 0;
    std::vector<Number> buckets;  // none in a stale row

    [[nodiscard]] bool is_stale() const { return model::is_stale(sum); }
};

/// The last row, and how the next one is coded against it.
template <class ColumnType>
class HistogramColumns {
  public:
    using Number = typename ColumnType::Number;
    using Row = HistogramRow<Number>;

    explicit HistogramColumns(std::size_t buckets) : buckets_(buckets) {}

    void put(BitWriter& to, const Row& row) {
        time_.put(to, row.time, place_);
        count_.put_count(to, row.count, place_);
        zero_count_.put_count(to, row.zero_count, place_);
        sum_.put(to, row.sum, place_);
        for (std::size_t i = 0; i < row.buckets.size(); ++i) {
            buckets_[i].put(to, row.buckets[i], place_);
        }
        place_ = RowPlace::later;
    }

    /// Ask the reader whether it went well.
    void get(BitReader& from, Row& row) {
        time_.get(from, place_);
        count_.get_count(from, place_);
        zero_count_.get_count(from, place_);
        sum_.get(from, place_);
        row.time = time_.last();
        row.count = count_.last();
        row.zero_count = zero_count_.last();
        row.sum = sum_.last();
        row.buckets.resize(row.is_stale() ? 0 : buckets_.size());
        for (std::size_t i = 0; i < row.buckets.size(); ++i) {
            buckets_[i].get(from, place_);
            row.buckets[i] = buckets_[i].last();
        }
        place_ = RowPlace::later;
    }

    [[nodiscard]] Number last_count() const { return count_.last(); }
    [[nodiscard]] Number last_zero_count() const { return zero_count_.last(); }
    [[nodiscard]] double last_sum() const { return sum_.last(); }
    [[nodiscard]] Number last_bucket(std::size_t index) const { return buckets_[index].last(); }

  private:
    RowPlace place_ = RowPlace::first;
    IntegerColumn time_;
    ColumnType count_;
    ColumnType zero_count_;
    FloatColumn sum_;
    std::vector<ColumnType> buckets_;
};

// The header before the rows: sample count (be16), flags, layout.
inline constexpr std::size_t kHistogramFlagsOffset = 2;
inline constexpr std::size_t kHistogramLayoutOffset = 3;

/// The two top bits of the flags: what is known of the chunk before.
enum class ResetHeader : std::uint8_t {
    unknown = 0x00,
    not_reset = 0x40,
    reset = 0x80,
    gauge = 0xC0
};
inline constexpr std::uint8_t kResetHeaderMask = 0xC0;

}  // namespace mimir::chunkenc::detail
