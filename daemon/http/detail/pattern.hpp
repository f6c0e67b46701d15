#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "http/url.hpp"

namespace mimir::http::detail {

/// A route's pattern, taken apart. Ordered so that the first pattern that matches a path is the
/// most specific one.
class Pattern {
  public:
    /// Asserts that the text is a pattern: patterns are constants of ours.
    explicit Pattern(std::string_view text);

    /// True when the encoded path matches; the values of the {name} parts are added to
    /// `parameters`.
    [[nodiscard]] bool match(std::string_view path, Parameters& parameters) const;
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool is_literal() const;
    /// For metrics, as Mimir has it: "api_v1_label_name_values"; "root" for "/".
    [[nodiscard]] std::string label() const;

    std::strong_ordering operator<=>(const Pattern& other) const { return parts_ <=> other.parts_; }
    bool operator==(const Pattern& other) const { return parts_ == other.parts_; }

  private:
    enum class Kind { literal, parameter, rest };
    struct Part {
        Kind kind;
        std::string text;
        auto operator<=>(const Part&) const = default;
    };
    std::string text_;
    std::vector<Part> parts_;
};

}  // namespace mimir::http::detail
