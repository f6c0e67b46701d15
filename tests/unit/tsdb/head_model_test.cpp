// Random operations on a head, compared with a naive model; and many threads at once.

#include <atomic>
#include <thread>

#include "fs/memory_file_system.hpp"
#include "head_test_support.hpp"

namespace mimir::tsdb {
namespace {

using test::labels;
using namespace test_support;

constexpr std::int64_t kMinute = 60'000;

/// What a head has to do, the slow way.
class Model {
  public:
    void append(const model::Labels& series, std::int64_t time, double value, std::int64_t floor) {
        Samples& samples = data_[series];
        const bool good = time >= floor && (samples.empty() || time > samples.rbegin()->first);
        if (good) {
            samples[time] = value;
            max_time_ = std::max(max_time_, time);
        }
        if (samples.empty()) data_.erase(series);
    }
    void truncate(std::int64_t time) {
        floor_ = std::max(floor_, time);
        data_ = filtered(data_, {}, {{time}, TimestampMs::max()});
    }
    [[nodiscard]] std::int64_t floor() const {
        return std::max(floor_, max_time_ == kNever ? kNever : max_time_ - 60 * kMinute);
    }
    /// Samples before the truncation may still be there, in chunks that reach across it.
    [[nodiscard]] TimeRange readable(TimeRange range) const {
        return {{std::max(range.min.ms, floor_)}, range.max};
    }
    [[nodiscard]] const Dataset& data() const { return data_; }
    [[nodiscard]] std::int64_t max_time() const { return std::max<std::int64_t>(max_time_, 0); }

  private:
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
    Dataset data_;
    std::int64_t floor_ = kNever;
    std::int64_t max_time_ = kNever;
};

HeadOptions random_options(Random& random) {
    HeadOptions options = head_options();
    options.shard_count = 1U << random.below(4);
    options.chunk_write_buffer_bytes = 200 + random.below(4000);
    options.wal.segment_bytes = 2000 + random.below(100'000);
    options.replay_threads = static_cast<unsigned>(1 + random.below(3));
    return options;
}

model::Labels random_series(Random& random) {
    return labels(
        fmt::format("m{}{{a=\"{}\",b=\"{}\"}}", random.below(3), random.below(4), random.below(8))
    );
}

model::Matchers random_matchers(Random& random) {
    using model::MatchType;
    const auto matcher = [](MatchType type, std::string_view name, std::string_view value) {
        return *model::Matcher::create(type, name, value);
    };
    switch (random.below(6)) {
        case 0: return {};
        case 1: return {matcher(MatchType::equal, "a", "1")};
        case 2:
            return {
                matcher(MatchType::regex, "b", "[1-3]"), matcher(MatchType::not_equal, "a", "2")
            };
        case 3: return {matcher(MatchType::not_regex, "__name__", "m[01]")};
        case 4: return {matcher(MatchType::equal, "c", "")};
        default:
            return {
                matcher(MatchType::equal, "__name__", "m1"), matcher(MatchType::regex, "a", "0|3")
            };
    }
}

TEST_SUITE("tsdb/head/model") {
    TEST_CASE("random operations do what the model does") {
        auto random = test::seeded_random();
        for (int round = 0; round < 12; ++round) {
            fs::MemoryFileSystem files;
            auto head = open_head(files, "/tenant", random_options(random));
            Model model;
            for (int step = 0; step < 300; ++step) {
                const std::uint64_t dice = random.below(100);
                if (dice < 80) {
                    RequestBuilder builder;
                    const std::int64_t floor = model.floor();
                    for (std::uint64_t i = random.below(20); i > 0; --i) {
                        const model::Labels series = random_series(random);
                        const std::int64_t time =
                            model.max_time() - 2 * kMinute +
                            static_cast<std::int64_t>(random.below(5 * kMinute));
                        const auto value = static_cast<double>(random.below(1000));
                        builder.sample(series, time, value);
                        model.append(series, time, value, floor);
                    }
                    REQUIRE_OK(head->append(builder.request(), {}));
                } else if (dice < 93) {
                    const auto begin = static_cast<std::int64_t>(
                        random.below(static_cast<std::uint64_t>(model.max_time()) + 1)
                    );
                    const auto length = static_cast<std::int64_t>(random.below(90 * kMinute));
                    const TimeRange range = model.readable({{begin}, {begin + length}});
                    const auto matchers = random_matchers(random);
                    CHECK(
                        read_head(*head, matchers, range) == filtered(model.data(), matchers, range)
                    );
                } else if (dice < 97) {
                    head.reset();
                    HeadOptions options = random_options(random);
                    options.min_valid_time = {model.floor()};
                    model.truncate(model.floor());
                    head = open_head(files, "/tenant", options);
                    REQUIRE(head->replay_report().damages.empty());
                } else {
                    const std::int64_t time =
                        model.floor() + static_cast<std::int64_t>(random.below(20 * kMinute));
                    model.truncate(time);
                    REQUIRE_OK(head->truncate({time}));
                    CHECK(head->series_count() == model.data().size());
                }
            }
            const TimeRange all = model.readable(kAllTime);
            CHECK(read_head(*head, {}, all) == filtered(model.data(), {}, all));
        }
    }

    TEST_CASE("memory stays flat while series come and go") {
        fs::MemoryFileSystem files;
        HeadOptions options = head_options();
        options.shard_count = 1;  // which series share one is chance
        options.chunk_write_buffer_bytes = 1000;
        auto head = open_head(files, "/tenant", options);
        HeadStats early;
        for (std::int64_t generation = 0; generation < 40; ++generation) {
            for (std::int64_t scrape = 0; scrape < 4; ++scrape) {
                const std::int64_t time = (generation * 4 + scrape) * 15 * kMinute;
                RequestBuilder builder;
                for (int i = 0; i < 200; ++i) {
                    builder.sample(
                        fmt::format("m{{pod=\"{}-{}\",i=\"{}\"}}", generation, i, i), time, 1
                    );
                }
                REQUIRE_OK(head->append(builder.request(), {}));
            }
            REQUIRE_OK(head->truncate({(generation - 1) * 60 * kMinute}));
            if (generation == 10) early = head->stats();
        }
        const HeadStats late = head->stats();
        CHECK(late.series == 400);
        CHECK(late.labels == early.labels);
        CHECK(late.other_bytes == early.other_bytes);
        CHECK(late.series_bytes == early.series_bytes);
        CHECK(late.label_bytes == early.label_bytes);
    }

    TEST_CASE(
        "requests that meet at the same series are stored one after the other, in the log's order"
    ) {
        fs::MemoryFileSystem files;
        HeadOptions options = head_options();
        options.chunk_write_buffer_bytes = 1000;
        auto head = open_head(files, "/tenant", options);
        // Each time is fought for by all threads, each with its own value. Who was told that it won must have won,
        // also after a replay.
        constexpr int kThreads = 3;
        constexpr std::int64_t kTimes = 300;
        std::vector<std::map<std::int64_t, double>> won(kThreads);
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&, t] {
                for (std::int64_t time = 1; time <= kTimes; ++time) {
                    RequestBuilder builder;
                    builder.sample("fought", time, t);
                    builder.sample(fmt::format("own{{t=\"{}\"}}", t), time, t);
                    const auto outcome = head->append(builder.request(), {});
                    if (outcome && outcome->errors.empty())
                        won[static_cast<std::size_t>(t)][time] = t;
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        Samples expected;
        for (const auto& one : won) expected.insert(one.begin(), one.end());
        const auto stored = [&] { return read_head(*head).at(labels("fought")); };
        CHECK(stored() == expected);
        head.reset();
        head = open_head(files, "/tenant", options);
        CHECK(stored() == expected);
    }

    TEST_CASE("appends, selections, truncations and blocks go on at the same time") {
        fs::MemoryFileSystem files;
        HeadOptions options = head_options();
        options.chunk_write_buffer_bytes = 1000;
        options.max_exemplars = 100;
        auto head = open_head(files, "/tenant", options);
        std::atomic<std::int64_t> time = 0;
        std::atomic<bool> over = false;
        std::vector<std::thread> threads;
        for (int t = 0; t < 2; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 400; ++i) {
                    const std::int64_t now = time += 15'000;
                    RequestBuilder builder;
                    for (int s = 0; s < 10; ++s) {
                        builder.sample(fmt::format("m{{t=\"{}\",s=\"{}\"}}", t, s), now, 1);
                    }
                    builder.series(labels(fmt::format("churn{{i=\"{}\"}}", now)))
                        .add_sample(now, 1);
                    builder.add_exemplar({labels("{id=\"1\"}"), 1, {now}});
                    const auto outcome = head->append(builder.request(), {});
                    if (!outcome || !outcome->errors.empty()) over = true;
                }
                over = true;
            });
        }
        threads.emplace_back([&] {
            const model::Matchers one{model::Matcher::equal("t", "1")};
            while (!over) {
                auto set = head->select(one, kAllTime);
                if (set) static_cast<void>(read_dataset(**set, kAllTime));
                static_cast<void>(head->label_values("i", {}, kAllTime));
                static_cast<void>(head->stats());
            }
        });
        while (!over) {
            const TimestampMs end{time - 30 * kMinute};
            head->refuse_before(end);
            REQUIRE_OK(head->series_for_block({TimestampMs::min(), end}, [](auto, auto) {
                return Result<void>();
            }));
            REQUIRE_OK(head->truncate(end));
        }
        for (std::thread& thread : threads) thread.join();
        const Dataset left = read_head(*head);
        CHECK(left.at(labels("m{t=\"0\",s=\"0\"}")).size() > 10);
        CHECK(left.at(labels("m{t=\"0\",s=\"0\"}")) == left.at(labels("m{t=\"0\",s=\"9\"}")));
    }
}

}  // namespace
}  // namespace mimir::tsdb
