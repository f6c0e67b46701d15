#include "wave/sine_wave.hpp"

#include "support/test_support.hpp"

namespace mimir::wave {
namespace {

constexpr TimestampMs kAt{1'700'000'000'000};

TEST_SUITE_BEGIN("wave");

TEST_CASE("a value is known from its time and series alone, and its neighbours differ") {
    const SineWave wave(100);
    const SineWave other(10);
    CHECK(wave.value(kAt, 7) == other.value(kAt, 7));
    CHECK_FALSE(is_same(wave.value(kAt, 7), wave.value(kAt, 8)));
    CHECK_FALSE(is_same(wave.value(kAt, 7), wave.value(kAt + kStep, 7)));
    CHECK(wave.value(kAt, 7) >= 1);
    CHECK(wave.value(kAt, 7) <= 3);
}

TEST_CASE("totals are exact in any order") {
    const SineWave wave(5000);
    double up = 0;
    double down = 0;
    for (std::size_t i = 0; i < 5000; ++i) up += wave.value(kAt, i);
    for (std::size_t i = 5000; i-- > 0;) down += wave.value(kAt, i);
    CHECK(up == down);
    CHECK(up == wave.total(kAt));
    CHECK_FALSE(is_same(wave.total(kAt), wave.total(kAt + kStep)));
    CHECK_FALSE(is_same(wave.total(kAt), wave.total(kAt + std::chrono::hours(2))));
}

TEST_CASE("samples are at multiples of the step") {
    CHECK(step_at_or_before({59'999}) == TimestampMs{40'000});
    CHECK(step_at_or_before({60'000}) == TimestampMs{60'000});
    CHECK(step_at_or_after({40'001}) == TimestampMs{60'000});
    CHECK(step_at_or_after({60'000}) == TimestampMs{60'000});
}

TEST_CASE("a request has the samples of some of the series") {
    const SineWave wave(10);
    model::WriteRequest request;
    wave.add_to(request, kAt, 3, 2);
    REQUIRE(request.series.size() == 2);
    CHECK(
        request.series[0].labels.to_string() ==
        R"(mimir_continuous_test_sine_wave_v2{series_id="3"})"
    );
    CHECK(request.samples[1].time == kAt);
    CHECK(request.samples[1].value == wave.value(kAt, 4));
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::wave
