// A missing label equals the empty string, and no list names the series that lack a label. So a
// matcher that refuses the empty string selects the series in the lists of the values that it
// matches, and one that accepts it selects all but those in the lists of the values that it does
// not match: the first kind is intersected, the second subtracted.

#include "tsdb/index/matcher_selection.hpp"

#include <algorithm>

namespace mimir::tsdb {
namespace {

// In units of one posting read from a list (about a nanosecond), measured on blocks of 20k series.
constexpr std::size_t kLabelReadCost = 128;
constexpr std::size_t kValueMatchCost = 64;

using List = PostingsSource::List;

struct Step {
    const model::Matcher* matcher = nullptr;
    bool subtracts = false;
    /// Set when the values are known without asking a regular expression about each.
    std::optional<std::vector<List>> lists;
    std::size_t cost = 0;
};

bool is_negative(const model::Matcher& matcher) {
    return matcher.type() == model::MatchType::not_equal ||
           matcher.type() == model::MatchType::not_regex;
}

/// Whether the matcher's literals are just the values whose lists its step takes.
bool literals_decide(const model::Matcher& matcher, bool subtracts) {
    return !matcher.literals().empty() && subtracts == is_negative(matcher);
}

bool matches_everything(const model::Matcher& matcher) {
    return matcher.type() == model::MatchType::regex && matcher.value() == ".*";
}

Result<Step> plan(const PostingsSource& source, const model::Matcher& matcher) {
    Step step{.matcher = &matcher, .subtracts = matcher.matches_empty()};
    if (!literals_decide(matcher, step.subtracts)) {
        step.cost = source.value_count(matcher.name()) * kValueMatchCost;
        return step;
    }
    step.lists.emplace();
    for (const std::string& value : matcher.literals()) {
        MIMIR_TRY(const std::optional<List> list, source.find(matcher.name(), value));
        if (!list) continue;
        step.lists->push_back(*list);
        step.cost += source.count(*list);
    }
    return step;
}

/// The series in the lists that the step intersects with or subtracts.
Result<Postings> read_lists(const PostingsSource& source, const Step& step) {
    Postings series;
    std::vector<std::size_t> run_begins;
    const auto take = [&](List list) {
        run_begins.push_back(series.size());
        return source.append(list, series);
    };
    if (step.lists) {
        for (const List list : *step.lists) MIMIR_TRY(take(list));
    } else {
        const auto take_value = [&](std::string_view value, List list) -> Result<void> {
            return step.matcher->matches(value) != step.subtracts ? take(list) : Result<void>();
        };
        MIMIR_TRY(source.visit_values(step.matcher->name(), take_value));
    }
    unite_runs(series, run_begins);
    return series;
}

Result<void> keep_by_labels(const PostingsSource& source, const Step& step, Postings& series) {
    std::size_t kept = 0;
    for (const std::uint32_t one : series) {
        MIMIR_TRY(const std::string_view value, source.label_value(one, step.matcher->name()));
        if (step.matcher->matches(value)) series[kept++] = one;
    }
    series.resize(kept);
    return {};
}

Result<void> apply(const PostingsSource& source, const Step& step, Postings& series) {
    if (series.size() * kLabelReadCost < step.cost) return keep_by_labels(source, step, series);
    MIMIR_TRY(const Postings listed, read_lists(source, step));
    if (step.subtracts) {
        subtract(series, listed);
    } else {
        intersect(series, listed);
    }
    return {};
}

}  // namespace

Result<Postings> select(const PostingsSource& source, const model::Matchers& matchers) {
    std::vector<Step> steps;
    for (const model::Matcher& matcher : matchers) {
        if (matches_everything(matcher)) continue;
        MIMIR_TRY(Step step, plan(source, matcher));
        if (step.cost == 0 && !step.subtracts) return Postings{};
        steps.push_back(std::move(step));
    }
    std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
        return std::pair(a.subtracts, a.cost) < std::pair(b.subtracts, b.cost);
    });

    Postings series;
    auto step = steps.begin();
    if (step != steps.end() && !step->subtracts) {
        MIMIR_TRY(series, read_lists(source, *step));
        ++step;
    } else {
        MIMIR_TRY(source.append_all(series));
    }
    for (; step != steps.end() && !series.empty(); ++step) {
        MIMIR_TRY(apply(source, *step, series));
    }
    return series;
}

}  // namespace mimir::tsdb
