#include "loadgen/values.hpp"

#include <algorithm>
#include <cmath>

namespace mimir::loadgen {
namespace {

constexpr double kPageBytes = 4096;

/// Stands still most of the time, else moves by up to `step` either way.
double walk(double at, std::uint64_t bits, std::uint64_t step) {
    if (bits % 16 < 9) return at;
    return at + static_cast<double>((bits >> 8) % (2 * step + 1)) - static_cast<double>(step);
}

}  // namespace

double next_value(
    const SeriesTemplate& series, std::uint64_t index, std::uint64_t round, SeriesState& state
) {
    const std::uint64_t target = index / kSeriesPerTarget;
    const std::uint64_t bits = mix(series.group == 0 ? index : target, round, series.group);
    double& at = state.units;
    switch (series.motion) {
        case Motion::counter:
            return at += static_cast<double>(bits % 4 == 0 ? 0 : (bits >> 8) % 12);
        case Motion::seconds_counter: at += static_cast<double>(bits % 300); return at / 100;
        case Motion::sum: return at += static_cast<double>(bits % 100'000) * 1.1e-5;
        case Motion::bucket: {
            // The same events and the same rounding for the whole group, so that a wider bucket never grows less.
            const auto events = static_cast<double>(bits % 20);
            const double rounding = static_cast<double>((bits >> 8) % 1000) / 1000;
            return at += std::floor(events * series.share + rounding);
        }
        case Motion::percentage:
            at = std::clamp(walk(at == 0 ? 400 : at, bits, 20), 1.0, 1000.0);
            return at / 10;
        case Motion::bytes:
            at = std::max(
                walk(at == 0 ? 20'000 + static_cast<double>(index % 977) : at, bits, 64), 1000.0
            );
            return at * kPageBytes;
        case Motion::small_gauge: return at = std::max(walk(at == 0 ? 30 : at, bits, 3), 1.0);
        case Motion::constant: return 1;
    }
    return 0;
}

}  // namespace mimir::loadgen
