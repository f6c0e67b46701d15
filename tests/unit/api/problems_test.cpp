#include "api/problems.hpp"

#include "support/test_support.hpp"

namespace mimir::api {

TEST_SUITE("api/problems") {
    TEST_CASE("an error becomes the problem of its id, else of its kind") {
        const Error needed{ErrorKind::conflict, "module-needed", "\"server\" is needed by api"};
        const Problem problem = to_problem(needed, "stop server");
        CHECK(problem.code == "module-needed");
        CHECK(problem.status == 409);
        CHECK(problem.what == "stop server");
        CHECK(problem.why == needed.message);
        CHECK(problem.next_steps.size() == 1);
        CHECK(to_problem({ErrorKind::unavailable, "", "full"}, "x").code == "unavailable");
        CHECK(to_problem({ErrorKind::limit, "max-series-per-user", "full"}, "x").code == "limit");
    }

    TEST_CASE("every kind of error has a problem") {
        for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
            const Problem problem = to_problem({static_cast<ErrorKind>(kind), "", "why"}, "what");
            CHECK(problem.status >= 400);
            CHECK(find_problem_kind(problem.code) != nullptr);
        }
    }
}

}  // namespace mimir::api
