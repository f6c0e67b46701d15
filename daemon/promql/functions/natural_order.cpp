#include "promql/functions/natural_order.hpp"

#include <algorithm>

namespace mimir::promql {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes the run of digits off the front, without its leading zeros.
std::string_view take_number(std::string_view& text) {
    const auto end =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    std::string_view digits = text.substr(0, end);
    text.remove_prefix(end);
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    return digits;
}

}  // namespace

std::strong_ordering natural_order(std::string_view a, std::string_view b) {
    const std::string_view whole_a = a;
    const std::string_view whole_b = b;
    while (!a.empty() && !b.empty()) {
        if (is_digit(a.front()) && is_digit(b.front())) {
            const auto number_a = take_number(a);
            const auto number_b = take_number(b);
            const auto longer = number_a.size() <=> number_b.size();
            if (longer != 0) return longer;
            if (number_a != number_b) return number_a <=> number_b;
        } else {
            if (a.front() != b.front()) {
                return static_cast<unsigned char>(a.front()) <=>
                       static_cast<unsigned char>(b.front());
            }
            a.remove_prefix(1);
            b.remove_prefix(1);
        }
    }
    if (a.empty() != b.empty()) return a.size() <=> b.size();
    return whole_a <=> whole_b;
}

}  // namespace mimir::promql
