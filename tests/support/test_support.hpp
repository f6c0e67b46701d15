#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "model/labels.hpp"

/// Fails the test with the error's message unless the result holds a value.
#define REQUIRE_OK(...)                                                                   \
    do {                                                                                  \
        const auto& result_ = (__VA_ARGS__);                                              \
        REQUIRE_MESSAGE(                                                                  \
            result_.has_value(), (result_.has_value() ? std::string() : result_.error().message) \
        );                                                                                \
    } while (false)

namespace mimir::test {

/// labels("up{job=\"a\"}"): the notation of PromQL; aborts the test on a mistake.
model::Labels labels(std::string_view text);

/// A new folder, removed with all in it at the end of the scope.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// Time that stands still until the test moves it.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(TimestampMs start) : now_(start) {}
    [[nodiscard]] TimestampMs now() const override { return now_; }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
        return std::chrono::steady_clock::time_point(std::chrono::milliseconds(now_.ms));
    }
    void advance(std::chrono::milliseconds by) { now_ = now_ + by; }

  private:
    TimestampMs now_;
};

/// Random numbers from a seed that the failing test prints; MIMIR_TEST_SEED sets it.
SeededRandom seeded_random();

/// Polls until the condition holds or the deadline passes; returns whether it held.
bool eventually(std::chrono::milliseconds deadline, const std::function<bool()>& condition);

}  // namespace mimir::test
