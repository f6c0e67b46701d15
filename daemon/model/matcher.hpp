#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"

namespace mimir::model {

enum class MatchType { equal, not_equal, regex, not_regex };

/// One label matcher of a selector. A label that's missing equals the empty string. Regular expressions are RE2,
/// anchored at both ends. Cheap to copy; immutable.
/// Threads: any.
class Matcher {
  public:
    /// Errors: invalid, when the regular expression does not compile.
    static Result<Matcher> create(MatchType type, std::string_view name, std::string_view value);
    /// An equality matcher, which can't fail.
    static Matcher equal(std::string_view name, std::string_view value);

    [[nodiscard]] MatchType type() const { return type_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& value() const { return value_; }
    [[nodiscard]] bool matches(std::string_view value) const;
    [[nodiscard]] bool matches_empty() const { return matches({}); }
    /// The only values that can match, when a regular expression is a plain list such as a|b|c (or the matcher is
    /// an equality); empty when it is anything else. For not_equal and not_regex: the values that can not match.
    [[nodiscard]] const std::vector<std::string>& literals() const { return literals_; }
    /// name="value" as PromQL prints it.
    [[nodiscard]] std::string to_string() const;

    bool operator==(const Matcher& other) const {
        return type_ == other.type_ && name_ == other.name_ && value_ == other.value_;
    }

  private:
    struct Regex;
    Matcher(MatchType type, std::string_view name, std::string_view value)
        : type_(type), name_(name), value_(value) {}

    MatchType type_;
    std::string name_;
    std::string value_;
    std::vector<std::string> literals_;
    std::shared_ptr<const Regex> regex_;  // null when literals_ says it all
};

using Matchers = std::vector<Matcher>;

/// True when every matcher holds for the label set.
bool matches(const Matchers& matchers, LabelsView labels);

}  // namespace mimir::model
