#include "http/error_status.hpp"

#include "support/test_support.hpp"

namespace mimir::http {
namespace {

TEST_SUITE("http/error_status") {
    TEST_CASE("each kind has the status and errorType of Prometheus' API") {
        struct Case {
            ErrorKind kind;
            int status;
            std::string_view error_type;
        };
        for (const Case& c : {
                 Case{ErrorKind::invalid, 400, "bad_data"},
                 Case{ErrorKind::not_found, 404, "not_found"},
                 Case{ErrorKind::conflict, 409, "execution"},
                 Case{ErrorKind::limit, 422, "execution"},
                 Case{ErrorKind::unavailable, 503, "unavailable"},
                 Case{ErrorKind::timeout, 503, "timeout"},
                 Case{ErrorKind::canceled, 499, "canceled"},
                 Case{ErrorKind::corrupt, 500, "internal"},
                 Case{ErrorKind::internal, 500, "internal"},
             }) {
            CAPTURE(to_string(c.kind));
            CHECK(error_status(c.kind).status == c.status);
            CHECK(error_status(c.kind).error_type == c.error_type);
        }
    }
}

}  // namespace
}  // namespace mimir::http
