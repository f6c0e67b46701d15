#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "http/message.hpp"

namespace mimir::http {

/// Bits of Method.
class MethodSet {
  public:
    /// HEAD comes with GET.
    MethodSet(std::initializer_list<Method> methods);  // NOLINT(google-explicit-constructor)
    static MethodSet any();
    [[nodiscard]] bool contains(Method method) const;
    [[nodiscard]] bool intersects(MethodSet other) const { return (bits_ & other.bits_) != 0; }
    /// "GET, HEAD, POST", as for the Allow header.
    [[nodiscard]] std::string to_string() const;
    MethodSet& operator|=(MethodSet other);

  private:
    std::uint8_t bits_ = 0;
};

}  // namespace mimir::http
