#pragma once

// Tests a store all the time with what every client uses: it writes series whose values are known and asks for them again.
// The testing itself is wave::Tester's; this counts and logs what it says.

#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "components/continuous_test/metrics.hpp"
#include "components/continuous_test/options.hpp"
#include "telemetry/log.hpp"
#include "wave/tester.hpp"

namespace mimir::continuous_test {

/// The label `test` of every metric, Mimir's name of it.
inline constexpr std::string_view kTestName = "write-read-series";

/// What a test works with; all of it outlives the test.
struct Environment {
    Metrics& metrics;
    telemetry::Logger log;
    const Clock& clock = system_clock();
};

/// Threads: one at a time.
class ContinuousTest final {
  public:
    /// The options name both endpoints.
    /// Errors: invalid, for the endpoints.
    static Result<std::unique_ptr<ContinuousTest>> create(
        const Options& options, const Environment& environment
    );

    /// One run: blocks until it is done, or the token is canceled.
    /// Errors: internal, saying how much failed; each failure is in the log.
    Result<void> run_once(const CancellationToken& token);

  private:
    ContinuousTest(
        const Options& options, const Environment& environment, std::unique_ptr<wave::Store> store
    );
    void count(const wave::RunReport& report) const;
    void log(const wave::RunReport& report) const;

    const Environment environment_;
    SeededRandom random_{random_seed()};
    const std::unique_ptr<wave::Store> store_;
    wave::Tester tester_;
};

}  // namespace mimir::continuous_test
