#include "model/matcher.hpp"

#include <re2/re2.h>

#include <algorithm>

namespace mimir::model {
namespace {

constexpr std::size_t kRegexMemoryBytes = 8 << 20;  // RE2's default; a larger program is refused

/// The alternatives of a|b|c, when no part has a special character; empty for any other expression.
std::vector<std::string> plain_alternatives(std::string_view expression) {
    constexpr std::string_view kSpecial = "\\.+*?()[]{}^$";
    if (expression.empty() || expression.find_first_of(kSpecial) != std::string_view::npos) return {};
    std::vector<std::string> parts;
    while (true) {
        const std::size_t bar = expression.find('|');
        parts.emplace_back(expression.substr(0, bar));
        if (bar == std::string_view::npos) return parts;
        expression.remove_prefix(bar + 1);
    }
}

std::string_view symbol(MatchType type) {
    switch (type) {
        case MatchType::equal: return "=";
        case MatchType::not_equal: return "!=";
        case MatchType::regex: return "=~";
        case MatchType::not_regex: return "!~";
    }
    return "=";
}

}  // namespace

struct Matcher::Regex {
    explicit Regex(const std::string& anchored, const re2::RE2::Options& options)
        : program(anchored, options) {}
    re2::RE2 program;
    bool matches_all = false;       // .*
    bool matches_non_empty = false; // .+
};

Result<Matcher> Matcher::create(MatchType type, std::string_view name, std::string_view value) {
    Matcher matcher(type, name, value);
    if (type == MatchType::equal || type == MatchType::not_equal) {
        matcher.literals_.emplace_back(value);
        return matcher;
    }
    matcher.literals_ = plain_alternatives(value);
    if (!matcher.literals_.empty()) return matcher;
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(kRegexMemoryBytes);
    auto regex = std::make_shared<Regex>("^(?:" + std::string(value) + ")$", options);
    if (!regex->program.ok()) {
        return fail(
            ErrorKind::invalid, "error parsing regexp \"{}\": {}", value, regex->program.error()
        );
    }
    regex->matches_all = value == ".*";
    regex->matches_non_empty = value == ".+";
    matcher.regex_ = std::move(regex);
    return matcher;
}

Matcher Matcher::equal(std::string_view name, std::string_view value) {
    Matcher matcher(MatchType::equal, name, value);
    matcher.literals_.emplace_back(value);
    return matcher;
}

bool Matcher::matches(std::string_view value) const {
    const bool positive = type_ == MatchType::equal || type_ == MatchType::regex;
    if (!regex_) {
        return (std::find(literals_.begin(), literals_.end(), value) != literals_.end()) == positive;
    }
    if (regex_->matches_all) return positive;
    if (regex_->matches_non_empty) return !value.empty() == positive;
    return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), regex_->program) ==
           positive;
}

std::string Matcher::to_string() const {
    std::string out = name_;
    out += symbol(type_);
    out.push_back('"');
    for (const char c : value_) {
        if (c == '"' || c == '\\') out.push_back('\\');
        if (c == '\n') {
            out += "\\n";
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
    return out;
}

bool matches(const Matchers& matchers, LabelsView labels) {
    return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
        return matcher.matches(labels.get(matcher.name()));
    });
}

}  // namespace mimir::model
