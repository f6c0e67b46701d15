#include "base/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace mimir {
namespace {

/// Optimal string alignment distance: edits and swaps of neighbours, each character edited at most
/// once.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> two_back(b.size() + 1);
    std::vector<std::size_t> back(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) back[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = back[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({back[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], two_back[j - 2] + 1);
            }
        }
        std::swap(two_back, back);
        std::swap(back, row);
    }
    return back[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(
    std::string_view text, std::span<const std::string_view> candidates
) {
    std::optional<std::string_view> best;
    // A third of the word wrong is a typo; more is another word.
    std::size_t best_distance = std::max<std::size_t>(1, text.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t candidate_distance = distance(text, candidate);
        if (candidate_distance < best_distance) {
            best = candidate;
            best_distance = candidate_distance;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates) {
    const auto meant = nearest(text, candidates);
    return meant ? fmt::format("; did you mean \"{}\"?", *meant) : std::string();
}

}  // namespace mimir
