#include "http/method_set.hpp"

#include <array>

namespace mimir::http {
namespace {

constexpr std::array kMethods = {
    Method::get,
    Method::head,
    Method::post,
    Method::put,
    Method::patch,
    Method::delete_,
    Method::options,
    Method::other
};

std::uint8_t bit(Method method) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(method));
}

}  // namespace

MethodSet::MethodSet(std::initializer_list<Method> methods) {
    for (const Method method : methods) bits_ |= bit(method);
    if (contains(Method::get)) bits_ |= bit(Method::head);
}

MethodSet MethodSet::any() {
    MethodSet set({});
    for (const Method method : kMethods) set.bits_ |= bit(method);
    return set;
}

bool MethodSet::contains(Method method) const { return (bits_ & bit(method)) != 0; }

std::string MethodSet::to_string() const {
    std::string out;
    for (const Method method : kMethods) {
        if (!contains(method) || method == Method::other) continue;
        if (!out.empty()) out += ", ";
        out += http::to_string(method);
    }
    return out;
}

MethodSet& MethodSet::operator|=(MethodSet other) {
    bits_ |= other.bits_;
    return *this;
}

}  // namespace mimir::http
