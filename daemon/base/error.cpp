#include "base/error.hpp"

namespace mimir {

std::string_view to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid: return "invalid";
        case ErrorKind::not_found: return "not_found";
        case ErrorKind::conflict: return "conflict";
        case ErrorKind::limit: return "limit";
        case ErrorKind::unavailable: return "unavailable";
        case ErrorKind::timeout: return "timeout";
        case ErrorKind::canceled: return "canceled";
        case ErrorKind::corrupt: return "corrupt";
        case ErrorKind::internal: return "internal";
    }
    return "unknown";
}

Error Error::with_context(std::string_view doing) const {
    return Error{.kind = kind, .id = id, .message = std::string(doing) + ": " + message};
}

}  // namespace mimir
