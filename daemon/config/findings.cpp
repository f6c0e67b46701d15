#include "config/findings.hpp"

namespace mimir::config {

Result<void> Findings::result() const {
    if (findings_.empty()) return {};
    std::string lines;
    for (const Finding& finding : findings_) {
        if (!lines.empty()) lines += '\n';
        lines += finding.where.empty() ? finding.what
                                       : fmt::format("{}: {}", finding.where, finding.what);
    }
    return tl::unexpected(Error{ErrorKind::invalid, {}, std::move(lines)});
}

}  // namespace mimir::config
