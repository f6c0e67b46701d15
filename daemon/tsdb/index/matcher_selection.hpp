#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "model/matcher.hpp"
#include "tsdb/index/postings.hpp"

namespace mimir::tsdb {

/// An inverted index, of a head's shard or of a block.
/// Errors: a block's are corrupt; a head's calls don't fail.
/// Threads: as the implementation says; it must not change during a selection.
class PostingsSource {
  public:
    virtual ~PostingsSource() = default;

    /// Names a list of postings; what the number means is the source's own affair.
    enum class List : std::uint64_t {};
    using ValueVisitor = std::function<Result<void>(std::string_view value, List list)>;

    /// The series that have this label; nothing when there are none.
    [[nodiscard]] virtual Result<std::optional<List>> find(
        std::string_view name, std::string_view value
    ) const = 0;
    /// Visits each value of a label, with its series, in any order, until the visitor fails.
    virtual Result<void> visit_values(std::string_view name, const ValueVisitor& visit) const = 0;
    /// How many values visit_values visits. An estimate serves, but 0 only when there are none.
    [[nodiscard]] virtual std::size_t value_count(std::string_view name) const = 0;

    /// Number of series in a list. An estimate serves, but 0 only when there are none.
    [[nodiscard]] virtual std::size_t count(List list) const = 0;
    /// Appends the list's series to `out`, ascending.
    virtual Result<void> append(List list, Postings& out) const = 0;
    /// Appends all series, ascending.
    virtual Result<void> append_all(Postings& out) const = 0;

    /// The value of one label of a series that a list named; empty when the series lacks the label.
    [[nodiscard]] virtual Result<std::string_view> label_value(
        std::uint32_t series, std::string_view name
    ) const = 0;
};

/// The series for which every matcher holds. Without matchers: all.
/// Cost: lists of plain values first, the shortest first; a matcher that would read more postings
/// than it is worth is instead tried on the labels of the series left. Errors: those of the source.
Result<Postings> select(const PostingsSource& source, const model::Matchers& matchers);

}  // namespace mimir::tsdb
