#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir::model {

/// A tenant's name, checked: at most 150 bytes of letters, digits and !-_.*'() , neither "." nor "..", so that it
/// serves as a folder's name.
class TenantId {
  public:
    /// Errors: invalid, saying which character or what length.
    static Result<TenantId> parse(std::string_view text);

    [[nodiscard]] const std::string& str() const { return name_; }
    auto operator<=>(const TenantId&) const = default;

  private:
    explicit TenantId(std::string_view name) : name_(name) {}
    std::string name_;
};

}  // namespace mimir::model

template <>
struct std::hash<mimir::model::TenantId> {
    std::size_t operator()(const mimir::model::TenantId& tenant) const {
        return std::hash<std::string>{}(tenant.str());
    }
};
