#include "components/query_frontend/split_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <queue>
#include <unordered_set>

#include "promql/engine/steps.hpp"
#include "promql/lexer.hpp"

namespace mimir::query_frontend {
namespace {

using promql::TokenKind;

/// The first multiple of the interval after a time.
std::int64_t next_cut(std::int64_t time, std::int64_t interval) {
    const std::int64_t into = time % interval;
    return time - into + (into < 0 ? 0 : interval);
}

// Pinning.

std::string seconds_text(std::int64_t milliseconds) {
    const bool negative = milliseconds < 0;
    const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(milliseconds)
                                    : static_cast<std::uint64_t>(milliseconds);
    return fmt::format("{}{}.{:03}", negative ? "-" : "", magnitude / 1000, magnitude % 1000);
}

/// What stands for start(), end() or range(); nothing for others.
std::optional<std::string> pinned_text(
    const promql::Query& query, TokenKind before, TokenKind function
) {
    std::int64_t milliseconds = 0;
    switch (function) {
        case TokenKind::start: milliseconds = query.start.ms; break;
        case TokenKind::end: milliseconds = query.end.ms; break;
        case TokenKind::range: milliseconds = query.end.ms - query.start.ms; break;
        default: return std::nullopt;
    }
    // A sign binds more loosely than a call: start() ^ 2.
    if (milliseconds < 0 && before != TokenKind::at)
        return fmt::format("({})", seconds_text(milliseconds));
    return seconds_text(milliseconds);
}

/// Where the text says "line:column".
std::optional<std::size_t> offset_of(std::string_view text, std::size_t line, std::size_t column) {
    std::size_t begin = 0;
    for (; line > 1; --line) {
        begin = text.find('\n', begin) + 1;
        if (begin == 0) return std::nullopt;
    }
    return begin + column - 1;
}

/// Takes a number off the front.
bool take_number(std::string_view& text, std::size_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number == 0) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

// Merging.

/// Concatenates the points of each series, which are in the order of time when their parts are.
class SeriesMerge {
  public:
    explicit SeriesMerge(std::vector<promql::Matrix> parts) : parts_(std::move(parts)) {
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (!parts_[i].empty()) heads_.push({i, 0});
        }
    }

    promql::Matrix merge() {
        promql::Matrix merged;
        std::vector<promql::MatrixSeries*> same;
        while (!heads_.empty()) {
            same.clear();
            do same.push_back(take());
            while (!heads_.empty() && series(heads_.top()).labels == same.front()->labels);
            merged.push_back(concatenate(same));
        }
        return merged;
    }

  private:
    struct Head {
        std::size_t part;
        std::size_t index;
    };
    struct Later {
        const SeriesMerge* merge;
        bool operator()(const Head& a, const Head& b) const {
            const auto order = merge->series(a).labels <=> merge->series(b).labels;
            return order != 0 ? order > 0 : a.part > b.part;
        }
    };

    [[nodiscard]] const promql::MatrixSeries& series(const Head& head) const {
        return parts_[head.part][head.index];
    }
    /// The first of the heads; its part's next series takes its place.
    promql::MatrixSeries* take() {
        const Head head = heads_.top();
        heads_.pop();
        if (head.index + 1 < parts_[head.part].size()) heads_.push({head.part, head.index + 1});
        return &parts_[head.part][head.index];
    }

    static promql::MatrixSeries concatenate(const std::vector<promql::MatrixSeries*>& same) {
        promql::MatrixSeries whole = std::move(*same.front());
        std::size_t floats = whole.floats.size();
        std::size_t histograms = whole.histograms.size();
        for (std::size_t i = 1; i < same.size(); ++i) {
            floats += same[i]->floats.size();
            histograms += same[i]->histograms.size();
        }
        whole.floats.reserve(floats);
        whole.histograms.reserve(histograms);
        for (std::size_t i = 1; i < same.size(); ++i) {
            std::ranges::copy(same[i]->floats, std::back_inserter(whole.floats));
            std::ranges::move(same[i]->histograms, std::back_inserter(whole.histograms));
            *same[i] = {};  // half of the memory is enough
        }
        return whole;
    }

    std::vector<promql::Matrix> parts_;
    std::priority_queue<Head, std::vector<Head>, Later> heads_{Later{this}};
};

void add_unseen(
    std::vector<std::string>& to,
    std::vector<std::string> texts,
    std::unordered_set<std::string>& seen
) {
    for (std::string& text : texts) {
        if (seen.insert(text).second) to.push_back(std::move(text));
    }
}

void add(promql::QueryStatistics& to, const promql::QueryStatistics& part) {
    to.series += part.series;
    to.samples += part.samples;
    to.samples_peak = std::max(to.samples_peak, part.samples_peak);
    to.chunks += part.chunks;
    to.chunk_bytes += part.chunk_bytes;
    to.wall_time += part.wall_time;
}

}  // namespace

std::vector<promql::Query> split_by_interval(
    const promql::Query& query, std::chrono::milliseconds interval
) {
    if (query.is_instant() || interval.count() <= 0) return {};
    using promql::engine::kTimeReach;  // the engine says what is wrong with other times
    if (query.start.ms < -kTimeReach || query.end.ms > kTimeReach) return {};
    const std::int64_t step = query.step.count();
    const std::int64_t last = query.end.ms - (query.end.ms - query.start.ms) % step;
    if (next_cut(query.start.ms, interval.count()) > last) return {};

    std::vector<promql::Query> parts;
    for (std::int64_t start = query.start.ms; start <= last;) {
        const std::int64_t cut = next_cut(start, interval.count());
        const std::int64_t end = std::min(last, start + (cut - 1 - start) / step * step);
        promql::Query& part = parts.emplace_back(query);
        part.start = {start};
        part.end = {end};
        start = end + step;
    }
    return parts;
}

PinnedQuery::PinnedQuery(const promql::Query& query) : original_(query.text) {
    promql::Lexer lexer(original_);
    std::array<promql::Token, 4> last{};  // what comes before, the function, its parentheses
    std::size_t copied = 0;
    while (last[3].kind != TokenKind::error) {
        std::ranges::move(last.begin() + 1, last.end(), last.begin());
        last[3] = lexer.next();
        if (last[3].kind == TokenKind::end_of_input) break;
        if (last[2].kind != TokenKind::left_paren || last[3].kind != TokenKind::right_paren)
            continue;
        const auto pinned = pinned_text(query, last[0].kind, last[1].kind);
        if (!pinned) continue;
        const std::size_t begin = last[1].span.begin;
        text_.append(original_, copied, begin - copied);
        copied = last[3].span.end;
        changes_.push_back({begin, copied - begin, text_.size(), pinned->size()});
        text_ += *pinned;
    }
    text_.append(original_, copied);
}

std::size_t PinnedQuery::original_offset(std::size_t pinned) const {
    std::size_t from = 0;  // where the two texts run side by side
    std::size_t to = 0;
    for (const Change& change : changes_) {
        if (pinned < change.pinned) break;
        if (pinned < change.pinned + change.pinned_bytes) return change.original;
        from = change.pinned + change.pinned_bytes;
        to = change.original + change.original_bytes;
    }
    return to + (pinned - from);
}

void PinnedQuery::restore_positions(promql::Annotations& annotations) const {
    if (!changed()) return;
    for (std::string& text : annotations.warnings) restore_position(text);
    for (std::string& text : annotations.infos) restore_position(text);
}

void PinnedQuery::restore_position(std::string& annotation) const {
    const std::size_t open = annotation.rfind('(');
    if (open == std::string::npos) return;
    std::string_view position = std::string_view(annotation).substr(open + 1);
    std::size_t line = 0;
    std::size_t column = 0;
    if (!take_number(position, line) || !position.starts_with(':')) return;
    position.remove_prefix(1);
    if (!take_number(position, column) || position != ")") return;
    const auto offset = offset_of(text_, line, column);
    if (!offset) return;
    const auto begin = static_cast<std::uint32_t>(original_offset(*offset));
    annotation.resize(open + 1);
    annotation += promql::position_text(original_, {begin, begin}) + ")";
}

promql::QueryResult merge_parts(std::vector<promql::QueryResult> parts) {
    promql::QueryResult whole;
    std::vector<promql::Matrix> matrices;
    std::unordered_set<std::string> warnings;
    std::unordered_set<std::string> infos;
    for (promql::QueryResult& part : parts) {
        if (auto* matrix = std::get_if<promql::Matrix>(&part.value))
            matrices.push_back(std::move(*matrix));
        add_unseen(whole.annotations.warnings, std::move(part.annotations.warnings), warnings);
        add_unseen(whole.annotations.infos, std::move(part.annotations.infos), infos);
        add(whole.statistics, part.statistics);
    }
    whole.value = SeriesMerge(std::move(matrices)).merge();
    return whole;
}

}  // namespace mimir::query_frontend
