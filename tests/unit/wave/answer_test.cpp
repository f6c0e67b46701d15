#include "wave/answer.hpp"

#include "support/test_support.hpp"

namespace mimir::wave {
namespace {

TEST_SUITE_BEGIN("wave");

TEST_CASE("vectors and matrices are series of points") {
    const auto vector = read_answer(R"({"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"series_id":"7"},"value":[1700000000.25,"1.5"]},
        {"metric":{},"value":[1700000000,"+Inf"]}]}})");
    REQUIRE_OK(vector);
    REQUIRE(vector->size() == 2);
    CHECK((*vector)[0].id == "7");
    CHECK((*vector)[0].points[0].time.ms == 1'700'000'000'250);
    CHECK((*vector)[0].points[0].value == 1.5);
    CHECK((*vector)[1].id.empty());

    const auto matrix = read_answer(
        R"({"data":{"result":[{"metric":{"series_id":"0"},"values":[[1,"1"],[2,"-2"]]}]}})"
    );
    REQUIRE_OK(matrix);
    REQUIRE(matrix->front().points.size() == 2);
    CHECK(matrix->front().points[1].value == -2);
}

TEST_CASE("what is no such answer is corrupt") {
    for (const std::string_view bad :
         {"",
          "[]",
          "{}",
          R"({"data":[]})",
          R"({"data":{"result":7}})",
          R"({"data":{"result":[7]}})",
          R"({"data":{"result":[{"metric":{}}]}})",
          R"({"data":{"result":[{"value":[1]}]}})",
          R"({"data":{"result":[{"value":[1,2]}]}})",
          R"({"data":{"result":[{"value":["1","2"]}]}})",
          R"({"data":{"result":[{"value":[1e300,"2"]}]}})",
          R"({"data":{"result":[{"value":[1,"2x"]}]}})"}) {
        CAPTURE(bad);
        const auto read = read_answer(bad);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().kind == ErrorKind::corrupt);
    }
}

TEST_CASE("a refusal is said in the store's words") {
    CHECK(refusal_in(R"({"status":"error","error":"too many samples"})") == "too many samples");
    CHECK(refusal_in("no org id\n") == "no org id");
    CHECK(refusal_in(std::string(1000, 'x')).size() == 300);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::wave
