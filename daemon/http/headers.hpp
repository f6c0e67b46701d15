#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mimir::http {

/// Header fields in the order in which they came; names compare without case. All text is in one
/// allocation.
class Headers {
  public:
    struct Field {
        std::string_view name;
        std::string_view value;
    };

    Headers() = default;
    Headers(std::initializer_list<Field> fields);

    void add(std::string_view name, std::string_view value);
    /// Replaces every field of that name.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    /// Keeps the capacity.
    void clear();

    /// The first field of that name. Valid until the headers change.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return get(name).has_value(); }
    /// True when a field of that name has the token in its comma-separated list:
    /// has_token("Connection", "close").
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

    [[nodiscard]] std::size_t size() const { return fields_.size(); }
    [[nodiscard]] bool empty() const { return fields_.empty(); }
    [[nodiscard]] Field operator[](std::size_t index) const;

  private:
    struct Span {
        std::uint32_t offset;
        std::uint32_t name_bytes;
        std::uint32_t value_bytes;
    };
    std::string text_;
    std::vector<Span> fields_;
};

/// Compares ASCII without case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace mimir::http
