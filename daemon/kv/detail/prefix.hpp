#pragma once

#include <string>
#include <string_view>

namespace mimir::kv::detail {

/// The first key, in the order of bytes, behind all that begin with the prefix; empty when there is none.
inline std::string prefix_end(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty() && end.back() == '\xff') end.pop_back();
    if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return end;
}

}  // namespace mimir::kv::detail
