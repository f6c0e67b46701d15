#include "promql/functions/number_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace mimir::promql {

namespace {

std::string format(double value, std::chars_format how) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    std::array<char, 400> text;  // of the smallest number, with 343 zeros
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value, how).ptr;
    return {text.data(), end};
}

}  // namespace

std::string format_general(double value) {
    const double size = std::abs(value);
    const bool exponent = size != 0 && (size < 1e-4 || size >= 1e21);
    return format(value, exponent ? std::chars_format::scientific : std::chars_format::fixed);
}

std::string format_as_float(double value) {
    std::string text = format_general(value);
    if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

std::optional<double> parse_number(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) return std::nullopt;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace mimir::promql
