#include "promql/functions/function_table.hpp"

#include "support/test_support.hpp"

namespace mimir::promql {
namespace {

TEST_SUITE_BEGIN("promql/function_table");

TEST_CASE("every function is found by its name, and by no other") {
    for (const Function& one : functions()) {
        CAPTURE(one.name);
        CHECK(find_function(one.name) == &one);
        CHECK(&function(one.id) == &one);
    }
    CHECK(find_function("RATE") == nullptr);
    CHECK(find_function("rat") == nullptr);
    CHECK(find_function("") == nullptr);
}

TEST_CASE("the last argument type stands for all further ones") {
    const Function& join = *find_function("label_join");
    CHECK(join.argument_type(0) == ValueType::vector);
    CHECK(join.argument_type(3) == ValueType::string);
    CHECK(join.argument_type(9) == ValueType::string);
    CHECK(join.arguments_max == kAnyNumber);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::promql
