#pragma once

// Label sets made during a query, and the parts of label sets that grouping and matching look at.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/labels.hpp"

namespace mimir::promql::engine {

/// Keeps the label sets an operator makes; their views are valid as long as it.
class LabelsArena {
  public:
    model::LabelsView store(std::string_view canonical);
    model::LabelsView store(const model::Labels& labels) { return store(labels.bytes()); }

  private:
    static constexpr std::size_t kBlockBytes = 64 * 1024;

    std::vector<std::unique_ptr<char[]>> blocks_;
    char* free_ = nullptr;
    std::size_t free_bytes_ = 0;
};

/// The labels that `by`, `without`, `on` or `ignoring` leave of a set.
class LabelSubset {
  public:
    enum class Kind { only, all_but };  ///< all_but leaves out the metric name, too.

    LabelSubset(Kind kind, std::vector<std::string> names);

    /// The canonical bytes of what is left. Valid until the next call.
    std::string_view of(model::LabelsView labels);
    [[nodiscard]] bool has(std::string_view name) const;

  private:
    Kind kind_;
    std::vector<std::string> names_;  // sorted
    std::string bytes_;
};

/// Numbers label sets (or subsets) in the order of their first appearance. Equal hashes are equal sets (LabelsHash).
class LabelsNumbering {
  public:
    struct Entry {
        std::uint32_t number;
        bool added;
    };
    void reserve(std::size_t count) { numbers_.reserve(count); }
    Entry add(std::string_view canonical);
    /// Null when it has no number.
    [[nodiscard]] const std::uint32_t* find(std::string_view canonical) const;
    [[nodiscard]] std::uint32_t count() const {
        return static_cast<std::uint32_t>(numbers_.size());
    }

  private:
    std::unordered_map<model::LabelsHash, std::uint32_t, model::LabelsHashHasher> numbers_;
};

/// The canonical bytes of the labels without the metric name, put into `bytes`.
void copy_without_name(model::LabelsView labels, std::string& bytes);

/// {__name__="up", job="a"}: with the metric name among the others, as error messages have it.
std::string in_braces(model::LabelsView labels);

}  // namespace mimir::promql::engine
