#pragma once

// Writes the wave to a store, up to now, asks for it again, and says where the answers are not what was written.
//
// Nothing is kept over a restart: the first run asks the store how far back it has the wave without a gap. From then on
// all that was written is known from its time alone. Invariants:
//
//   - Every sample in written_ was acknowledged, or found in the store, and is asked for only while it is younger than
//     query_age_max.
//   - A time whose samples may have been taken in part is written again as a whole, or left out of written_.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/random.hpp"
#include "base/types.hpp"
#include "wave/sine_wave.hpp"
#include "wave/store.hpp"

namespace mimir::wave {

struct TesterOptions {
    std::size_t series = 1000;
    /// Of one push.
    std::size_t batch_series = 1000;
    /// Older samples are not asked for.
    std::chrono::milliseconds query_age_max = std::chrono::hours(12);
};

/// Something that a store did not do as it should.
struct Finding {
    enum class Kind : std::uint8_t {
        write_failed,
        query_failed,
        missing,  ///< Less than was written.
        wrong,    ///< Something else.
        doubled,  ///< More than was written, or the same twice.
    };
    Kind kind;
    /// What was asked for.
    std::string what;
    std::string expected;
    std::string found;
};
std::string_view to_string(Finding::Kind kind);

struct RunReport {
    std::uint64_t writes = 0;
    /// By status code; 0 for no answer.
    std::map<int, std::uint64_t> writes_failed;
    std::uint64_t queries = 0;
    std::uint64_t queries_failed = 0;
    std::uint64_t checks = 0;
    std::uint64_t checks_failed = 0;
    /// The first kFindingsMax.
    std::vector<Finding> findings;
    /// What the store holds of the wave, as far as it is known.
    std::optional<TimeRange> written;

    static constexpr std::size_t kFindingsMax = 20;
    [[nodiscard]] bool passed() const { return findings.empty(); }
    /// But for the findings.
    void add_counts(const RunReport& other);
};

/// Threads: one at a time.
class Tester {
  public:
    /// The store and the random numbers outlive it.
    Tester(const TesterOptions& options, Store& store, Random& random);

    /// Writes what is due at `now` and checks what is there. Once the token is canceled it comes to its end, and what was
    /// not done is no finding.
    RunReport run(TimestampMs now, const CancellationToken& token);

  private:
    class Run;

    const TesterOptions options_;
    const SineWave wave_;
    Store& store_;
    Random& random_;
    std::optional<TimeRange> written_;  // without a gap
    bool looked_back_ = false;
};

}  // namespace mimir::wave
