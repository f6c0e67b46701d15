#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace mimir::http {

/// Decoded name=value pairs of a query string or a form, in order; names may repeat.
class Parameters {
  public:
    /// Reads application/x-www-form-urlencoded: pairs joined by '&', '+' for a space, %XX for a
    /// byte. Errors: invalid, for a torn or wrong escape and for ';' (as Go's net/url).
    static Result<Parameters> parse(std::string_view text);

    void add(std::string name, std::string value);
    /// The pairs of `other` behind our own.
    void append(const Parameters& other);

    /// The first value of that name.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
    /// The first value of that name, else nothing at all.
    [[nodiscard]] std::string_view get_or(std::string_view name, std::string_view otherwise) const;
    /// Every value of that name: match[] of several selectors.
    [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
    [[nodiscard]] auto begin() const { return pairs_.begin(); }
    [[nodiscard]] auto end() const { return pairs_.end(); }
    [[nodiscard]] bool empty() const { return pairs_.empty(); }
    [[nodiscard]] std::string encode() const;

  private:
    std::vector<std::pair<std::string, std::string>> pairs_;
};

/// %XX to bytes; '+' stays. Errors: invalid.
Result<std::string> percent_decode(std::string_view text);
/// Everything but letters, digits and -_.~ as %XX: fit for one path segment or one parameter.
std::string percent_encode(std::string_view text);

}  // namespace mimir::http
