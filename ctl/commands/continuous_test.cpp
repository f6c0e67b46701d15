#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <ostream>
#include <thread>

#include "base/units.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/output/structured.hpp"
#include "ctl/output/table.hpp"
#include "ctl/public_api.hpp"
#include "wave/tester.hpp"

namespace mimir::ctl {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kSeriesMax = 1'000'000;

/// When the runs are over, unless ctrl-C comes first.
struct Plan {
    std::uint64_t runs = std::numeric_limits<std::uint64_t>::max();
    std::optional<std::chrono::nanoseconds> duration;
    std::chrono::nanoseconds interval;
};

struct Totals {
    std::uint64_t runs = 0;
    std::uint64_t runs_failed = 0;
    wave::RunReport counts;

    [[nodiscard]] std::uint64_t writes_failed() const {
        std::uint64_t failed = 0;
        for (const auto& [status, count] : counts.writes_failed) failed += count;
        return failed;
    }
};

Outcome<std::uint64_t> number_of(
    const Invocation& invocation,
    std::string_view option,
    std::uint64_t otherwise,
    std::uint64_t max
) {
    const auto text = invocation.value(option);
    if (!text) return otherwise;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    const bool is_number = error == std::errc() && end == text->data() + text->size();
    if (is_number && number >= 1 && number <= max) return number;
    return usage(fmt::format("{} takes a number from 1 to {}, not \"{}\"", option, max, *text));
}

Outcome<std::chrono::nanoseconds> time_of(std::string_view option, std::string_view text) {
    const auto time = parse_duration(text);
    if (time && time->count() >= 0) return *time;
    return usage(fmt::format("{} takes a time such as 30s or 5m, not \"{}\"", option, text));
}

Outcome<Plan> plan_of(const Invocation& invocation) {
    if (invocation.has("--runs") && invocation.has("--duration")) {
        return usage("--runs and --duration say the same in two ways: give one");
    }
    Plan plan{};
    MIMIR_TRY(plan.runs, number_of(invocation, "--runs", plan.runs, plan.runs));
    if (const auto duration = invocation.value("--duration")) {
        MIMIR_TRY(plan.duration, time_of("--duration", *duration));
    }
    MIMIR_TRY(plan.interval, time_of("--interval", invocation.value("--interval").value_or("20s")));
    return plan;
}

/// --write-endpoint and --read-endpoint, else the daemon's own.
Outcome<wave::StoreOptions> store_of(Context& context) {
    const Invocation& invocation = context.invocation();
    wave::StoreOptions store{
        .tenant = std::string(invocation.value("--tenant").value_or("")),
    };
    const auto write = invocation.value("--write-endpoint");
    const auto read = invocation.value("--read-endpoint");
    if (write.has_value() != read.has_value()) {
        return usage("--write-endpoint and --read-endpoint belong together: give both or none");
    }
    if (write) {
        store.write_endpoint = *write;
        store.read_endpoint = *read;
        return store;
    }
    MIMIR_TRY(const PublicApi api, find_public_api(context));
    store.write_endpoint = api.endpoint.to_string() + api.base;
    store.read_endpoint = store.write_endpoint + api.prometheus_prefix;
    return store;
}

void say_run(Context& context, std::uint64_t number, const wave::RunReport& report) {
    context.say(fmt::format(
        "run {}: {}, {}, {}: {}",
        number,
        count_of(report.writes, "write"),
        report.queries == 1 ? "1 query" : fmt::format("{} queries", report.queries),
        count_of(report.checks, "check"),
        report.passed() ? "passed" : "failed"
    ));
    for (const wave::Finding& finding : report.findings) {
        context.say(fmt::format(
            "  {}: {}: expected {}, found {}",
            wave::to_string(finding.kind),
            finding.what,
            finding.expected,
            finding.found
        ));
    }
}

/// False when the token was canceled before.
bool sleep_until(SteadyClock::time_point time, const CancellationToken& token) {
    constexpr SteadyClock::duration kLook = 50ms;
    for (;;) {
        if (token.canceled()) return false;
        const auto left = time - SteadyClock::now();
        if (left <= 0s) return true;
        std::this_thread::sleep_for(std::min(left, kLook));
    }
}

Totals run_all(Context& context, const Plan& plan, wave::Tester& tester) {
    const CancellationToken token = context.catch_interrupt();
    const auto began = SteadyClock::now();
    Totals totals;
    auto next = began;
    do {
        const auto report = tester.run(context.environment().clock->now(), token);
        if (token.canceled() && report.passed()) break;  // it may have done nothing
        ++totals.runs;
        if (!report.passed()) ++totals.runs_failed;
        totals.counts.add_counts(report);
        say_run(context, totals.runs, report);
        next = std::max(next + plan.interval, SteadyClock::now());
        if (plan.duration && next - began > *plan.duration) break;
    } while (totals.runs < plan.runs && sleep_until(next, token));
    return totals;
}

Outcome<void> show(Context& context, const Totals& totals) {
    struct Row {
        std::string_view what;
        std::uint64_t count;
        std::uint64_t failed;
    };
    const Row rows[] = {
        {"runs", totals.runs, totals.runs_failed},
        {"writes", totals.counts.writes, totals.writes_failed()},
        {"queries", totals.counts.queries, totals.counts.queries_failed},
        {"checks", totals.counts.checks, totals.counts.checks_failed},
    };
    Table table{.columns = {{"WHAT"}, {"DONE", false, true}, {"FAILED", false, true}}, .rows = {}};
    std::string json;
    for (const Row& row : rows) {
        const Tone tone = row.failed == 0 ? Tone::plain : Tone::bad;
        table.rows.push_back(
            {Cell(row.what),
             Cell(fmt::format("{}", row.count)),
             {fmt::format("{}", row.failed), tone}}
        );
        json += fmt::format(
            "{}\"{}\":{},\"{}_failed\":{}",
            json.empty() ? "" : ",",
            row.what,
            row.count,
            row.what,
            row.failed
        );
    }
    if (!is_for_people(context.format())) {
        return context.show_structured("{" + json + "}", "runs");
    }
    write_table(context.out(), table, context.table_style());
    return {};
}

}  // namespace

Outcome<ExitCode> run_continuous_test(Context& context) {
    const Invocation& invocation = context.invocation();
    MIMIR_TRY(const Plan plan, plan_of(invocation));
    wave::TesterOptions options;
    MIMIR_TRY(options.series, number_of(invocation, "--series", options.series, kSeriesMax));
    MIMIR_TRY(auto store_options, store_of(context));
    MIMIR_TRY(
        const auto store, or_exit(wave::Store::open(std::move(store_options)), ExitCode::usage)
    );
    SeededRandom random(random_seed());
    wave::Tester tester(options, *store, random);
    const Totals totals = run_all(context, plan, tester);
    MIMIR_TRY(show(context, totals));
    return totals.runs_failed == 0 ? ExitCode::done : ExitCode::failed;
}

}  // namespace mimir::ctl
