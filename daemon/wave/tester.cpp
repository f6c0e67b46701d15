#include "wave/tester.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/rfc3339.hpp"

namespace mimir::wave {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Kind = Finding::Kind;

/// After a longer pause the wave begins anew: stores take samples that are an hour older than the newest, and no more.
constexpr milliseconds kCatchUpMax = 50min;
constexpr milliseconds kLongestQuery = 24h;
/// Of a range query, below the 11,000 that Prometheus allows.
constexpr std::int64_t kPointsMax = 10'000;
/// How many series a finding names.
constexpr std::size_t kNamedMax = 5;

/// Just the samples at the time itself: a plain selector would show the one before where one is missing.
std::string samples_at_the_time() { return fmt::format("max_over_time({}[1s])", kMetric); }

std::string in_words(TimeRange range) {
    return fmt::format("{} to {}", format_rfc3339(range.min), format_rfc3339(range.max));
}

/// Values of one query that differ from what was written, told as one finding of each kind.
class Differences {
  public:
    void add(Kind kind, std::string where, std::string expected, std::string found) {
        Seen& seen = seen_[kind];
        if (seen.count++ < kNamedMax) {
            seen.where += (seen.where.empty() ? "" : ", ") + where;
        } else if (seen.count == kNamedMax + 1) {
            seen.where += ", ...";
        }
        if (seen.count > 1) return;
        seen.expected = std::move(expected);
        seen.found = std::move(found);
    }
    [[nodiscard]] bool empty() const { return seen_.empty(); }
    [[nodiscard]] std::vector<Finding> findings(const std::string& query, std::size_t values)
        const {
        std::vector<Finding> findings;
        for (const auto& [kind, seen] : seen_) {
            findings.push_back(
                {kind,
                 fmt::format("{}: {} of {} values, at {}", query, seen.count, values, seen.where),
                 seen.expected,
                 seen.found}
            );
        }
        return findings;
    }

  private:
    struct Seen {
        std::size_t count = 0;
        std::string where;
        std::string expected;  // of the first
        std::string found;
    };
    std::map<Kind, Seen> seen_;
};

/// What a sum that is not the expected one most likely says.
Kind kind_of_sum(double found, double expected) {
    return is_same(found, 2 * expected) ? Kind::doubled : Kind::wrong;
}

/// Nothing when it is no number of a series.
std::optional<std::size_t> series_of(const std::string& id) {
    std::size_t series = 0;
    const char* const end = id.data() + id.size();
    const auto [stopped, error] = std::from_chars(id.data(), end, series);
    if (error != std::errc() || stopped != end) return std::nullopt;
    return series;
}

}  // namespace

std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::write_failed: return "write failed";
        case Kind::query_failed: return "query failed";
        case Kind::missing: return "missing";
        case Kind::wrong: return "wrong";
        case Kind::doubled: return "doubled";
    }
    return "unknown";
}

void RunReport::add_counts(const RunReport& other) {
    writes += other.writes;
    for (const auto& [status, count] : other.writes_failed) writes_failed[status] += count;
    queries += other.queries;
    queries_failed += other.queries_failed;
    checks += other.checks;
    checks_failed += other.checks_failed;
}

/// One run: what it did and what it found.
class Tester::Run {
  public:
    Run(Tester& tester, TimestampMs now, const CancellationToken& token)
        : tester_(tester), now_(now), newest_due_(step_at_or_before(now)), token_(token) {}

    RunReport go() {
        if (!tester_.looked_back_) look_back();
        write_what_is_due();
        if (const auto range = checkable()) check(*range);
        report_.written = tester_.written_;
        return std::move(report_);
    }

  private:
    // How far back the wave goes.

    void look_back() {
        const TimestampMs oldest = step_at_or_after(now_ - tester_.options_.query_age_max);
        std::optional<TimeRange> known;
        TimestampMs end = newest_due_;
        while (end >= oldest) {
            const TimeRange window{std::max(oldest, end - kLongestQuery + kStep), end};
            const auto answer = totals(window, kStep);
            if (!answer) return;  // the next run looks again
            if (!extend_backwards(known, window, *answer)) break;
            end = window.min - kStep;
        }
        tester_.looked_back_ = true;
        auto& written = tester_.written_;
        if (known && (!written || known->max >= written->max)) written = known;
    }

    /// False once there is a gap, or anything but the wave, before what is known.
    static bool is_next(const std::optional<TimeRange>& known, TimestampMs t) {
        return !known || known->min - kStep == t;
    }
    bool extend_backwards(
        std::optional<TimeRange>& known, TimeRange window, const std::vector<Point>& points
    ) const {
        for (auto point = points.rbegin(); point != points.rend(); ++point) {
            const bool is_ours = is_next(known, point->time) &&
                                 is_same(point->value, tester_.wave_.total(point->time));
            if (!is_ours) return false;
            known = {point->time, known ? known->max : point->time};
        }
        return known && known->min == window.min;
    }

    // Writing.

    void write_what_is_due() {
        auto& written = tester_.written_;
        const bool goes_on = written && newest_due_ - written->max <= kCatchUpMax;
        TimestampMs t = goes_on ? written->max + kStep : newest_due_;
        for (; t <= newest_due_ && token_.check(); t = t + kStep) {
            const Pushed pushed = write(t);
            if (!pushed.taken() && pushed.is_for_later()) return;
            if (!pushed.taken()) {
                written.reset();
            } else if (written && written->max + kStep == t) {
                written->max = t;
            } else {
                written = {t, t};
            }
        }
    }

    /// Up to the first batch that is not taken.
    Pushed write(TimestampMs t) {
        Pushed pushed{.status = 200, .why = {}};
        const std::size_t count = tester_.wave_.series_count();
        const std::size_t batch = tester_.options_.batch_series;
        for (std::size_t first = 0; first < count && pushed.taken(); first += batch) {
            model::WriteRequest request;
            tester_.wave_.add_to(request, t, first, std::min(batch, count - first));
            pushed = tester_.store_.push(request, token_);
            if (!pushed.taken() && token_.canceled()) break;
            ++report_.writes;
            if (pushed.taken()) continue;
            ++report_.writes_failed[pushed.status];
            add(
                {Kind::write_failed,
                 fmt::format("samples of {}", format_rfc3339(t)),
                 "2xx",
                 fmt::format("{}: {}", pushed.status, pushed.why)}
            );
        }
        return pushed;
    }

    // Checking.

    /// What is known to be there and young enough to be asked for.
    [[nodiscard]] std::optional<TimeRange> checkable() const {
        if (!tester_.written_) return std::nullopt;
        const TimestampMs oldest = step_at_or_after(now_ - tester_.options_.query_age_max);
        const TimeRange range{std::max(oldest, tester_.written_->min), tester_.written_->max};
        if (range.min > range.max) return std::nullopt;
        return range;
    }

    void check(TimeRange there) {
        const auto last = [&](milliseconds age) {
            return TimeRange{std::max(there.min, step_at_or_after(there.max - age)), there.max};
        };
        std::vector<TimeRange> ranges{last(1h), last(24h), random_range(there)};
        ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
        for (const TimeRange& range : ranges) {
            check_totals(range);
            check_count(range);
        }
        std::vector<TimestampMs> instants{
            last(0s).min, last(1h).min, last(24h).min, random_time(there)
        };
        instants.erase(std::unique(instants.begin(), instants.end()), instants.end());
        for (const TimestampMs t : instants) check_each(t);
    }

    /// The sum of all series at each step.
    void check_totals(TimeRange range) {
        const std::int64_t steps = range.length() / kStep + 1;
        const auto step = kStep * ((steps + kPointsMax - 1) / kPointsMax);
        const auto found = totals(range, step);
        if (!found) return;
        Differences differences;
        std::optional<TimestampMs> first_different;
        std::size_t values = 0;
        auto point = found->begin();
        for (TimestampMs t = range.min; t <= range.max; t = t + step, ++values) {
            const double expected = tester_.wave_.total(t);
            while (point != found->end() && point->time < t) ++point;
            const bool is_there = point != found->end() && point->time == t;
            if (is_there && is_same(point->value, expected)) continue;
            const Kind kind = is_there ? kind_of_sum(point->value, expected) : Kind::missing;
            differences.add(
                kind,
                format_rfc3339(t),
                fmt::format("{}", expected),
                is_there ? fmt::format("{}", point->value) : "nothing"
            );
            if (!first_different) first_different = t;
        }
        judge(differences, "sums of " + in_words(range), values);
        if (first_different) check_each(*first_different);  // says which series
    }

    /// How many samples there are.
    void check_count(TimeRange range) {
        // Half a step less than it takes from one sample before: the same on stores that take the ends for within.
        const auto covered = range.length() + kStep / 2;
        const std::string expression =
            fmt::format("sum(count_over_time({}[{}s]))", kMetric, covered / 1s);
        const auto answer =
            counted(tester_.store_.query(expression, range.max, token_), expression);
        if (!answer) return;
        const auto steps = static_cast<std::uint64_t>(range.length() / kStep + 1);
        const auto expected = static_cast<double>(steps * tester_.wave_.series_count());
        const double found =
            answer->empty() || answer->front().points.empty() ? 0 : answer->front().points[0].value;
        Differences differences;
        if (found != expected) {
            differences.add(
                found < expected ? Kind::missing : Kind::doubled,
                in_words(range),
                fmt::format("{} samples", expected),
                fmt::format("{} samples", found)
            );
        }
        judge(differences, "count of samples", 1);
    }

    /// Every series at one time.
    void check_each(TimestampMs t) {
        const std::string expression = samples_at_the_time();
        const auto answer = counted(tester_.store_.query(expression, t, token_), expression);
        if (!answer) return;
        const SineWave& wave = tester_.wave_;
        std::vector<bool> seen(wave.series_count());
        Differences differences;
        for (const AnswerSeries& one : *answer) {
            const auto series = series_of(one.id);
            const bool is_ours = series && *series < seen.size() && one.points.size() == 1;
            if (!is_ours) {
                differences.add(Kind::wrong, name_of(one.id), "no such series", "it");
                continue;
            }
            const double found = one.points.front().value;
            const double expected = wave.value(t, *series);
            if (seen[*series]) {
                differences.add(Kind::doubled, name_of(one.id), "it once", "it twice");
            } else if (!is_same(found, expected)) {
                differences.add(
                    Kind::wrong,
                    name_of(one.id),
                    fmt::format("{}", expected),
                    fmt::format("{}", found)
                );
            }
            seen[*series] = true;
        }
        for (std::size_t series = 0; series < seen.size(); ++series) {
            if (seen[series]) continue;
            differences.add(
                Kind::missing,
                name_of(std::to_string(series)),
                fmt::format("{}", wave.value(t, series)),
                "nothing"
            );
        }
        judge(differences, "series at " + format_rfc3339(t), wave.series_count());
    }

    static std::string name_of(const std::string& id) {
        return fmt::format("{}=\"{}\"", kSeriesLabel, id);
    }

    TimestampMs random_time(TimeRange within) {
        const auto steps = static_cast<std::uint64_t>(within.length() / kStep + 1);
        return within.min + kStep * static_cast<std::int64_t>(tester_.random_.below(steps));
    }
    TimeRange random_range(TimeRange within) {
        const TimestampMs a = random_time(within);
        const TimestampMs b = random_time(within);
        const TimeRange range{std::min(a, b), std::max(a, b)};
        return {range.min, std::min(range.max, range.min + kLongestQuery)};
    }

    // Asking and reporting.

    Result<std::vector<Point>> totals(TimeRange range, milliseconds step) {
        const std::string expression = fmt::format("sum({})", samples_at_the_time());
        MIMIR_TRY(
            Answer answer,
            counted(tester_.store_.query_range(expression, range, step, token_), expression)
        );
        if (answer.empty()) return {};
        return std::move(answer.front().points);
    }

    Result<Answer> counted(Result<Answer> answer, const std::string& expression) {
        if (!answer && token_.canceled()) return answer;
        ++report_.queries;
        if (!answer) {
            ++report_.queries_failed;
            add({Kind::query_failed, expression, "an answer", answer.error().message});
        }
        return answer;
    }

    void judge(const Differences& differences, const std::string& query, std::size_t values) {
        ++report_.checks;
        if (differences.empty()) return;
        ++report_.checks_failed;
        for (Finding& finding : differences.findings(query, values)) add(std::move(finding));
    }

    void add(Finding finding) {
        if (report_.findings.size() < RunReport::kFindingsMax)
            report_.findings.push_back(std::move(finding));
    }

    Tester& tester_;
    const TimestampMs now_;
    const TimestampMs newest_due_;
    const CancellationToken token_;
    RunReport report_;
};

Tester::Tester(const TesterOptions& options, Store& store, Random& random)
    : options_(options), wave_(options.series), store_(store), random_(random) {}

RunReport Tester::run(TimestampMs now, const CancellationToken& token) {
    return Run(*this, now, token).go();
}

}  // namespace mimir::wave
