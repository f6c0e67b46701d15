#include "http/error_status.hpp"

namespace mimir::http {

ErrorStatus error_status(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid: return {400, "bad_data"};
        case ErrorKind::not_found: return {404, "not_found"};
        case ErrorKind::conflict: return {409, "execution"};
        case ErrorKind::limit: return {422, "execution"};
        case ErrorKind::unavailable: return {503, "unavailable"};
        case ErrorKind::timeout: return {503, "timeout"};
        case ErrorKind::canceled: return {499, "canceled"};
        case ErrorKind::corrupt: return {500, "internal"};
        case ErrorKind::internal: return {500, "internal"};
    }
    return {500, "internal"};
}

void advise_retry(ErrorKind kind, Response& response) {
    if (kind != ErrorKind::unavailable) return;
    response.headers.set("Retry-After", std::to_string(kRetryAfter.count()));
}

}  // namespace mimir::http
