#include "ctl/output/kind_json.hpp"

#include <nlohmann/json.hpp>

#include "ctl/output/detail/parse.hpp"

namespace mimir::ctl {
namespace {

detail::Json encode(const api::ProblemKind& kind) {
    return {
        {"code", kind.code},
        {"status", kind.status},
        {"exit_code", static_cast<int>(kind.exit_code)},
        {"retryable", kind.retryable},
        {"title", kind.title},
        {"explanation", kind.explanation},
        {"next_step", kind.next_step},
    };
}

}  // namespace

std::string to_json(const api::ProblemKind& kind) { return detail::dump(encode(kind)); }

std::string to_json(std::span<const api::ProblemKind> kinds) {
    detail::Json list = detail::Json::array();
    for (const api::ProblemKind& kind : kinds) list.push_back(encode(kind));
    return detail::dump(list);
}

}  // namespace mimir::ctl
