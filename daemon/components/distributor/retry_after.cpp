#include "components/distributor/retry_after.hpp"

#include <algorithm>
#include <charconv>

namespace mimir::distributor {
namespace {

constexpr int kDoublingsMax = 20;  // by then any maximum is reached

int parse_attempt(std::string_view text) {
    int attempt = 1;
    std::from_chars(text.data(), text.data() + text.size(), attempt);
    return std::clamp(attempt, 1, kDoublingsMax);
}

}  // namespace

std::chrono::seconds retry_after(const Options& options, std::string_view attempt, Random& random) {
    const std::int64_t min = options.retry_after_min_backoff.count();
    const std::int64_t max = std::max<std::int64_t>(min, options.retry_after_max_backoff.count());
    const std::int64_t doubled = std::min(max, min << (parse_attempt(attempt) - 1));
    const std::int64_t jittered =
        doubled / 2 +
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(doubled) + 1));
    return std::chrono::ceil<std::chrono::seconds>(
        std::chrono::milliseconds(std::clamp(jittered, min, max))
    );
}

}  // namespace mimir::distributor
