// promql_conformance: runs PromQL test scripts in process and says how many of their evals pass.
//
//     promql_conformance [--summary] [--list-failures] [--by-feature] [--expect-failures FILE] [--folder DIR] SCRIPT...
//
//     --summary          no more than a line a script and the total
//     --list-failures    each failing eval, with what came instead
//     --by-feature       the failing evals, counted by the feature that they lack
//     --expect-failures  a file that says how many evals pass at least, and which may give wrong values; without it,
//                        every eval must pass:
//                            passed 600
//                            wrong operators.test:12
//     --folder           all scripts (*.test) of a folder
//
// Exits with 0 when all is as expected, 1 when not, 2 for bad usage, 77 when the folder does not exist.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "conformance/runner.hpp"

namespace {

using namespace mimir;  // NOLINT(google-build-using-namespace): a program
using conformance::Outcome;
using conformance::Verdict;

constexpr int kSkipped = 77;

struct Arguments {
    bool summary = false;
    bool list_failures = false;
    bool by_feature = false;
    std::optional<std::string> expectations;
    std::optional<std::filesystem::path> folder;
    std::vector<std::filesystem::path> scripts;
};

/// What --expect-failures says; at first, that everything passes.
struct Expectations {
    std::optional<std::size_t> passed_min;
    std::set<std::string> wrong;  // script:line
};

struct Tally {
    std::map<Verdict, std::size_t> verdicts;
    std::map<std::string, std::size_t> features;
    std::set<std::string> wrong;

    [[nodiscard]] std::size_t of(Verdict verdict) const {
        const auto found = verdicts.find(verdict);
        return found == verdicts.end() ? 0 : found->second;
    }
    [[nodiscard]] std::size_t total() const {
        return of(Verdict::passed) + of(Verdict::not_built) + of(Verdict::wrong);
    }
    void print(std::string_view name) const {
        fmt::print(
            "{:<28} {:>5} of {:>5} passed, {:>4} not built, {:>4} wrong\n",
            name,
            of(Verdict::passed),
            total(),
            of(Verdict::not_built),
            of(Verdict::wrong)
        );
    }
};

Result<std::string> read_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    if (!file) return fail(ErrorKind::not_found, "can't read {}", path.string());
    return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<Arguments> parse_arguments(const std::vector<std::string>& given) {
    Arguments arguments;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const std::string& argument = given[i];
        const bool has_value = i + 1 < given.size();
        if (argument == "--summary") {
            arguments.summary = true;
        } else if (argument == "--list-failures") {
            arguments.list_failures = true;
        } else if (argument == "--by-feature") {
            arguments.by_feature = true;
        } else if (argument == "--expect-failures" && has_value) {
            arguments.expectations = given[++i];
        } else if (argument == "--folder" && has_value) {
            arguments.folder = given[++i];
        } else if (argument.starts_with("--")) {
            return fail(ErrorKind::invalid, "unknown or incomplete option {}", argument);
        } else {
            arguments.scripts.emplace_back(argument);
        }
    }
    return arguments;
}

Result<Expectations> read_expectations(const std::string& path) {
    MIMIR_TRY(const std::string text, read_file(path));
    Expectations expectations;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string what;
        std::string value;
        if (!(words >> what) || what.starts_with('#')) continue;
        words >> value;
        if (what == "passed") {
            expectations.passed_min = std::stoul(value);
        } else if (what == "wrong") {
            expectations.wrong.insert(value);
        } else {
            return fail(ErrorKind::invalid, "{}: unknown word \"{}\"", path, what);
        }
    }
    return expectations;
}

void print_failure(const std::string& place, const Outcome& outcome) {
    const bool wrong = outcome.verdict == Verdict::wrong;
    fmt::print(
        "{}: {}: {}\n    {}\n", place, wrong ? "WRONG" : "not built", outcome.query, outcome.detail
    );
}

Result<void> run(const std::filesystem::path& script, const Arguments& arguments, Tally& all) {
    MIMIR_TRY(const std::string text, read_file(script));
    const std::string name = script.filename().string();
    MIMIR_TRY(
        const std::vector<Outcome> outcomes, with_context(conformance::run_script(text), name)
    );
    Tally tally;
    for (const Outcome& outcome : outcomes) {
        const std::string place = fmt::format("{}:{}", name, outcome.line);
        ++tally.verdicts[outcome.verdict];
        ++all.verdicts[outcome.verdict];
        if (outcome.verdict == Verdict::passed) continue;
        if (outcome.verdict == Verdict::not_built) ++all.features[outcome.detail];
        if (outcome.verdict == Verdict::wrong) all.wrong.insert(place);
        if (arguments.list_failures) print_failure(place, outcome);
    }
    tally.print(name);
    return {};
}

/// What is not as expected, if anything.
std::vector<std::string> judge(const Tally& all, const Expectations& expectations) {
    std::vector<std::string> complaints;
    const std::size_t passed_min = expectations.passed_min.value_or(all.total());
    if (all.of(Verdict::passed) < passed_min) {
        complaints.push_back(
            fmt::format("{} evals passed instead of {}", all.of(Verdict::passed), passed_min)
        );
    }
    for (const std::string& place : all.wrong) {
        if (!expectations.wrong.contains(place)) complaints.push_back(place + " is wrong");
    }
    return complaints;
}

Result<int> run_all(Arguments arguments) {
    if (arguments.folder) {
        if (!std::filesystem::is_directory(*arguments.folder)) {
            fmt::print("{} does not exist: skipped\n", arguments.folder->string());
            return kSkipped;
        }
        for (const auto& entry : std::filesystem::directory_iterator(*arguments.folder)) {
            if (entry.path().extension() == ".test") arguments.scripts.push_back(entry.path());
        }
        std::ranges::sort(arguments.scripts);
    }
    Expectations expectations;
    if (arguments.expectations) {
        MIMIR_TRY(expectations, read_expectations(*arguments.expectations));
    }
    Tally all;
    for (const auto& script : arguments.scripts) {
        MIMIR_TRY(run(script, arguments, all));
    }
    all.print("all");
    if (arguments.by_feature) {
        for (const auto& [feature, count] : all.features) fmt::print("{:>5} {}\n", count, feature);
    }
    const std::vector<std::string> complaints = judge(all, expectations);
    if (!arguments.summary) {
        for (const std::string& complaint : complaints) fmt::print("{}\n", complaint);
    }
    return complaints.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    auto arguments = parse_arguments(std::vector<std::string>(argv + 1, argv + argc));
    if (!arguments || (arguments->scripts.empty() && !arguments->folder)) {
        const std::string why = arguments ? "no script given" : arguments.error().message;
        fmt::print(stderr, "{}\nusage: promql_conformance [OPTION...] SCRIPT...\n", why);
        return 2;
    }
    const auto status = run_all(*std::move(arguments));
    if (!status) fmt::print(stderr, "{}\n", status.error().message);
    return status ? *status : 1;
}
