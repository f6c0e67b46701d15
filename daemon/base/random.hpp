#pragma once

#include <cstdint>

namespace mimir {

/// A source of random numbers. Passed in, so that one seed replays a run.
/// Threads: not safe; one per owner.
class Random {
  public:
    virtual ~Random() = default;

    [[nodiscard]] virtual std::uint64_t next() = 0;
    /// Uniform in [0, bound); bound > 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound);
};

/// Reproducible: the same seed gives the same numbers (splitmix64; Steele, Lea, Flood 2014).
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    [[nodiscard]] std::uint64_t next() override;

  private:
    std::uint64_t state_;
};

/// A seed from the operating system's entropy, different in every process.
std::uint64_t random_seed();

}  // namespace mimir
