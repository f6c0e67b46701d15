#pragma once

// label_replace and label_join: from a label set to another.

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"

namespace mimir::promql {

/// A function of label sets.
class LabelFunction {
  public:
    virtual ~LabelFunction() = default;
    [[nodiscard]] virtual model::Labels apply(model::LabelsView labels) const = 0;
    [[nodiscard]] virtual const std::string& destination() const = 0;
};

struct LabelReplacement {
    std::string destination;
    std::string
        replacement;  ///< With $1, ${1}, $name for what the groups of the expression matched.
    std::string source;
    std::string expression;
};

/// Errors: invalid, for an expression that doesn't compile or a name that is none.
Result<std::unique_ptr<LabelFunction>> make_label_replace(LabelReplacement replacement);

struct LabelJoin {
    std::string destination;
    std::string separator;
    std::vector<std::string> sources;
};

/// Errors: invalid, for a name that is none.
Result<std::unique_ptr<LabelFunction>> make_label_join(LabelJoin join);

/// True for a name that a label may have: any UTF-8 text but the empty one.
bool is_label_name(std::string_view name);

}  // namespace mimir::promql
