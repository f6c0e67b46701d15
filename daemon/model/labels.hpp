#pragma once

// Label sets in their canonical form.
//
// A label set is one run of bytes: the labels sorted by name, each encoded as the `repeated Label labels = 1` field
// of a remote-write TimeSeries:
//
//     0x0A uvarint(len) | 0x0A uvarint(name len) name | 0x12 uvarint(value len) value
//
// with shortest varints, names unique, values not empty. This is what well-behaved senders put on the wire, so a
// request's bytes are hashed, compared and looked up as they came, without a copy; and equal label sets are equal
// bytes. (8 + name + value bytes a label for the usual short ones.)

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mimir::model {

inline constexpr std::string_view kMetricName = "__name__";

struct Label {
    std::string_view name;
    std::string_view value;

    auto operator<=>(const Label&) const = default;
};

/// 128 bits that stand for a label set: XXH3-128 of its canonical bytes, with a secret of the process, so that
/// collisions can't be made up from outside. Two of a billion sets collide with probability 1e-21: equal hashes are
/// taken for equal labels.
struct LabelsHash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    bool operator==(const LabelsHash&) const = default;
};

/// A label set somewhere in memory, in canonical form. Copying copies the pointer: valid as long as the bytes are.
class LabelsView {
  public:
    class Iterator {
      public:
        using value_type = Label;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        Iterator() = default;
        explicit Iterator(const char* at) : at_(at) {}
        Label operator*() const;
        Iterator& operator++();
        Iterator operator++(int) { auto old = *this; ++*this; return old; }
        bool operator==(const Iterator&) const = default;

      private:
        const char* at_ = nullptr;
    };

    LabelsView() = default;

    /// The caller vouches for the canonical form; from outside use parse_canonical (wire) or LabelsBuilder.
    static LabelsView from_canonical(std::string_view bytes) { return LabelsView(bytes); }

    [[nodiscard]] Iterator begin() const { return Iterator(bytes_.data()); }
    [[nodiscard]] Iterator end() const { return Iterator(bytes_.data() + bytes_.size()); }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    /// Number of labels; walks the set.
    [[nodiscard]] std::size_t count() const;
    /// The value of a label; empty when the set lacks it (PromQL does not tell these apart).
    [[nodiscard]] std::string_view get(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return !get(name).empty(); }
    [[nodiscard]] std::string_view metric_name() const { return get(kMetricName); }
    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    [[nodiscard]] LabelsHash hash() const;
    /// {__name__="up", job="a"} is shown as up{job="a"}, as Prometheus does.
    [[nodiscard]] std::string to_string() const;

    bool operator==(const LabelsView& other) const { return bytes_ == other.bytes_; }
    /// Prometheus' order: label by label (name, then value, bytewise), the shorter set first.
    std::strong_ordering operator<=>(const LabelsView& other) const;

  private:
    explicit LabelsView(std::string_view bytes) : bytes_(bytes) {}
    std::string_view bytes_;
};

/// A label set that owns its bytes.
class Labels {
  public:
    Labels() = default;
    explicit Labels(LabelsView view) : bytes_(view.bytes()) {}
    /// Sorts; drops labels with empty values; of equal names the last one wins.
    Labels(std::initializer_list<Label> labels);

    [[nodiscard]] LabelsView view() const { return LabelsView::from_canonical(bytes_); }
    operator LabelsView() const { return view(); }  // NOLINT(google-explicit-constructor)

    [[nodiscard]] auto begin() const { return view().begin(); }
    [[nodiscard]] auto end() const { return view().end(); }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    [[nodiscard]] std::size_t count() const { return view().count(); }
    [[nodiscard]] std::string_view get(std::string_view name) const { return view().get(name); }
    [[nodiscard]] bool has(std::string_view name) const { return view().has(name); }
    [[nodiscard]] std::string_view metric_name() const { return view().metric_name(); }
    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    [[nodiscard]] LabelsHash hash() const { return view().hash(); }
    [[nodiscard]] std::string to_string() const { return view().to_string(); }

    bool operator==(const Labels& other) const { return bytes_ == other.bytes_; }
    std::strong_ordering operator<=>(const Labels& other) const { return view() <=> other.view(); }

  private:
    friend class LabelsBuilder;
    std::string bytes_;
};

/// Puts a label set together: start from one or from nothing, set and remove, build.
class LabelsBuilder {
  public:
    LabelsBuilder() = default;
    /// The view's bytes must live until build().
    explicit LabelsBuilder(LabelsView base) { reset(base); }

    void reset(LabelsView base = {});
    /// An empty value removes the label. Copies neither name nor value: both must live until build().
    LabelsBuilder& set(std::string_view name, std::string_view value);
    LabelsBuilder& remove(std::string_view name) { return set(name, {}); }
    /// Keeps only the named labels.
    LabelsBuilder& keep(const std::vector<std::string>& names);
    [[nodiscard]] std::string_view get(std::string_view name) const;
    [[nodiscard]] Labels build() const;

  private:
    std::vector<Label> labels_;  // sorted by name, unique, values not empty
};

/// Appends one label to a canonical encoding that is being built in name order.
void append_label(std::string& bytes, Label label);

/// Splits a value of a hash map keyed by LabelsHash; the bits are already uniform.
struct LabelsHashHasher {
    std::size_t operator()(const LabelsHash& hash) const { return hash.low; }
};

/// True for [a-zA-Z_][a-zA-Z0-9_]* .
bool is_legacy_label_name(std::string_view name);
/// True for [a-zA-Z_:][a-zA-Z0-9_:]* .
bool is_legacy_metric_name(std::string_view name);
bool is_valid_utf8(std::string_view text);

// The hot path: inline.

namespace detail {

inline std::uint32_t read_length(const char*& at) {
    std::uint32_t value = static_cast<std::uint8_t>(*at++);
    if (value < 0x80) [[likely]] return value;
    value &= 0x7F;
    for (int shift = 7;; shift += 7) {
        const std::uint32_t byte = static_cast<std::uint8_t>(*at++);
        value |= (byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
}

}  // namespace detail

inline Label LabelsView::Iterator::operator*() const {
    const char* at = at_ + 1;
    detail::read_length(at);
    ++at;
    const std::uint32_t name_bytes = detail::read_length(at);
    const std::string_view name(at, name_bytes);
    at += name_bytes + 1;
    const std::uint32_t value_bytes = detail::read_length(at);
    return {name, std::string_view(at, value_bytes)};
}

inline LabelsView::Iterator& LabelsView::Iterator::operator++() {
    ++at_;
    const std::uint32_t bytes = detail::read_length(at_);
    at_ += bytes;
    return *this;
}

}  // namespace mimir::model
