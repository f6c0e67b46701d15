#include "support/test_support.hpp"

#include <cstdlib>
#include <thread>

namespace mimir::test {
namespace {

[[noreturn]] void bad_labels(std::string_view text) {
    FAIL("not a label set: " << std::string(text));
    std::abort();
}

}  // namespace

model::Labels labels(std::string_view text) {
    const std::string_view whole = text;
    model::LabelsBuilder builder;
    const std::size_t brace = text.find('{');
    builder.set(model::kMetricName, text.substr(0, brace));
    if (brace == std::string_view::npos) return builder.build();
    text.remove_prefix(brace + 1);
    while (!text.starts_with('}')) {
        const std::size_t equals = text.find("=\"");
        if (equals == std::string_view::npos) bad_labels(whole);
        const std::size_t end = text.find('"', equals + 2);
        if (end == std::string_view::npos) bad_labels(whole);
        builder.set(text.substr(0, equals), text.substr(equals + 2, end - equals - 2));
        text.remove_prefix(end + 1);
        while (text.starts_with(',') || text.starts_with(' ')) text.remove_prefix(1);
    }
    return builder.build();
}

TempDir::TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mimird-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

SeededRandom seeded_random() {
    const char* fixed = std::getenv("MIMIR_TEST_SEED");
    const std::uint64_t seed = fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : random_seed();
    MESSAGE("MIMIR_TEST_SEED=" << seed);
    return SeededRandom(seed);
}

bool eventually(std::chrono::milliseconds deadline, const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

}  // namespace mimir::test
