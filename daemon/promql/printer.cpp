#include "promql/printer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "promql/quote.hpp"

// NOLINTBEGIN(misc-no-recursion): the parser bounds the depth

namespace mimir::promql {
namespace {

constexpr std::size_t kLineCharactersMax = 100;

bool is_plain_label(std::string_view name) {
    const auto letter = [](char c) {
        return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    const auto letter_or_digit = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    return !name.empty() && letter(name[0]) && std::ranges::all_of(name, letter_or_digit);
}

std::string label_name(const std::string& name) { return is_plain_label(name) ? name : quote(name); }

std::string label_list(const std::vector<std::string>& names) {
    std::string out = "(";
    for (const std::string& name : names) {
        if (out.size() > 1) out += ", ";
        out += label_name(name);
    }
    return out + ')';
}

std::string format(const DurationFormula& formula) {
    using Kind = DurationFormula::Kind;
    const auto infix = [&](std::string_view op) {
        return fmt::format("{} {} {}", format(*formula.left), op, format(*formula.right));
    };
    const auto call = [&](std::string_view name) {
        return fmt::format("{}({}, {})", name, format(*formula.left), format(*formula.right));
    };
    std::string out;
    switch (formula.kind) {
        case Kind::number:
            out =
                formula.is_duration
                    ? format_duration(std::chrono::milliseconds(std::llround(formula.seconds * 1000)
                      ))
                    : format_number(formula.seconds);
            break;
        case Kind::plus: out = "+" + format(*formula.left); break;
        case Kind::minus: out = "-" + format(*formula.left); break;
        case Kind::add: out = infix("+"); break;
        case Kind::sub: out = infix("-"); break;
        case Kind::mul: out = infix("*"); break;
        case Kind::div: out = infix("/"); break;
        case Kind::mod: out = infix("%"); break;
        case Kind::pow: out = infix("^"); break;
        case Kind::min_of: out = call("min_of"); break;
        case Kind::max_of: out = call("max_of"); break;
        case Kind::step: out = "step()"; break;
        case Kind::range: out = "range()"; break;
    }
    return formula.in_parentheses ? "(" + out + ")" : out;
}

std::string format(const Duration& duration) {
    return duration.formula ? format(*duration.formula) : format_duration(duration.value);
}

std::string format_offset(const Duration& offset) {
    if (!offset.formula && offset.value.count() == 0) return {};
    return " offset " + format(offset);
}

std::string format(const std::optional<At>& at) {
    if (!at) return {};
    switch (at->kind) {
        case At::Kind::start: return " @ start()";
        case At::Kind::end: return " @ end()";
        case At::Kind::time: break;
    }
    const bool negative = at->time.ms < 0;
    const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(at->time.ms)
                                    : static_cast<std::uint64_t>(at->time.ms);
    return fmt::format(" @ {}{}.{:03}", negative ? "-" : "", magnitude / 1000, magnitude % 1000);
}

std::string_view format(RangeEdges edges) {
    switch (edges) {
        case RangeEdges::plain: return "";
        case RangeEdges::anchored: return " anchored";
        case RangeEdges::smoothed: return " smoothed";
    }
    return "";
}

std::string format(const model::Matcher& matcher) {
    constexpr std::array<std::string_view, 4> kSymbols = {"=", "!=", "=~", "!~"};  // by MatchType
    return fmt::format(
        "{}{}{}",
        label_name(matcher.name()),
        kSymbols[static_cast<std::size_t>(matcher.type())],
        quote(matcher.value())
    );
}

/// Name and matchers without the modifiers. Matchers are sorted by their text; the one for the name before the
/// braces is not repeated in them.
std::string format_matchers(const VectorSelector& selector) {
    std::vector<std::string> parts;
    for (const model::Matcher& matcher : selector.matchers) {
        const bool says_name = !selector.name.empty() && matcher.name() == model::kMetricName &&
                               matcher.type() == model::MatchType::equal &&
                               matcher.value() == selector.name;
        if (!says_name) parts.push_back(format(matcher));
    }
    if (parts.empty()) return selector.name.empty() ? "{}" : selector.name;
    std::ranges::sort(parts);
    return fmt::format("{}{{{}}}", selector.name, fmt::join(parts, ","));
}

std::string suffix(const Subquery& subquery) {
    return fmt::format(
        "[{}:{}]{}{}",
        format(subquery.range),
        subquery.step ? format(*subquery.step) : "",
        format(subquery.at),
        format_offset(subquery.offset)
    );
}

/// sum by (a) , as far as the parenthesis.
std::string prefix(const Aggregate& aggregate) {
    std::string out(to_string(aggregate.op));
    if (!aggregate.without && aggregate.grouping.empty()) return out;
    return fmt::format(
        "{} {} {} ", out, aggregate.without ? "without" : "by", label_list(aggregate.grouping)
    );
}

std::string format_fill(const VectorMatching& matching) {
    if (matching.fill_left && matching.fill_left == matching.fill_right) {
        return fmt::format(" fill ({})", format_number(*matching.fill_left));
    }
    std::string out;
    if (matching.fill_left)
        out += fmt::format(" fill_left ({})", format_number(*matching.fill_left));
    if (matching.fill_right)
        out += fmt::format(" fill_right ({})", format_number(*matching.fill_right));
    return out;
}

/// The operator with its modifiers.
std::string infix(const Binary& binary) {
    std::string out(to_string(binary.op));
    if (binary.return_bool) out += " bool";
    if (!binary.matching) return out;
    const VectorMatching& matching = *binary.matching;
    const bool grouped =
        matching.card == Cardinality::many_to_one || matching.card == Cardinality::one_to_many;
    if (matching.on || grouped || !matching.labels.empty()) {
        out += fmt::format(" {} {}", matching.on ? "on" : "ignoring", label_list(matching.labels));
    }
    if (grouped) {
        const bool left = matching.card == Cardinality::many_to_one;
        out += fmt::format(" group_{} {}", left ? "left" : "right", label_list(matching.include));
    }
    return out + format_fill(matching);
}

/// Where each node's text ended up: what tells the pretty form which ones are long.
using Lengths = std::unordered_map<const Expr*, std::size_t>;

class ShortForm {
  public:
    explicit ShortForm(Lengths* lengths = nullptr) : lengths_(lengths) {}

    void write(const Expr& expr) {
        const std::size_t begin = out.size();
        std::visit([this](const auto& node) { write(node); }, expr.node);
        if (lengths_ != nullptr) (*lengths_)[&expr] = out.size() - begin;
    }

    std::string out;

  private:
    void write(const NumberLiteral& number) {
        out += number.is_duration
                   ? format_duration(std::chrono::milliseconds(std::llround(number.value * 1000)))
                   : format_number(number.value);
    }
    void write(const StringLiteral& string) { out += quote(string.value); }
    void write(const Paren& paren) {
        out += '(';
        write(*paren.expr);
        out += ')';
    }
    void write(const Unary& unary) {
        out += unary.op == UnaryOp::minus ? '-' : '+';
        write(*unary.expr);
    }
    void write(const Binary& binary) {
        // +Inf ^ 2 would read back as +(Inf ^ 2).
        const auto* base = binary.left->as<NumberLiteral>();
        const bool infinite = base != nullptr && std::isinf(base->value);
        if (infinite && binary.op == BinaryOp::pow) {
            out += "Inf";
        } else {
            write(*binary.left);
        }
        out += fmt::format(" {} ", infix(binary));
        write(*binary.right);
    }
    void write(const Aggregate& aggregate) {
        out += prefix(aggregate);
        out += '(';
        if (aggregate.parameter) {
            write(*aggregate.parameter);
            out += ", ";
        }
        write(*aggregate.expr);
        out += ')';
    }
    void write(const Call& call) {
        out += function(call.function).name;
        out += '(';
        for (const ExprPtr& argument : call.arguments) {
            if (argument != call.arguments.front()) out += ", ";
            write(*argument);
        }
        out += ')';
    }
    void write(const VectorSelector& selector) {
        out += fmt::format(
            "{}{}{}{}",
            format_matchers(selector),
            format(selector.at),
            format(selector.edges),
            format_offset(selector.offset)
        );
    }
    void write(const MatrixSelector& matrix) {
        const VectorSelector& selector = matrix.vector;
        out += fmt::format(
            "{}[{}]{}{}{}",
            format_matchers(selector),
            format(matrix.range),
            format(selector.edges),
            format(selector.at),
            format_offset(selector.offset)
        );
    }
    void write(const Subquery& subquery) {
        write(*subquery.expr);
        out += suffix(subquery);
    }

    Lengths* lengths_;
};

class PrettyForm {
  public:
    explicit PrettyForm(const Lengths& lengths) : lengths_(lengths) {}

    void write(const Expr& expr, std::size_t level) {
        indent(level);
        continue_line(expr, level);
    }

    std::string out;

  private:
    /// Writes the expression where its first line's indentation is there already.
    void continue_line(const Expr& expr, std::size_t level) {
        if (lengths_.at(&expr) <= kLineCharactersMax) {
            out += to_string(expr);
        } else {
            std::visit([&](const auto& node) { split(expr, node, level); }, expr.node);
        }
    }

    template <class Leaf>
    void split(const Expr& expr, const Leaf&, std::size_t) {
        out += to_string(expr);
    }
    void split(const Expr&, const Paren& paren, std::size_t level) {
        out += "(\n";
        write(*paren.expr, level + 1);
        close(level);
    }
    void split(const Expr&, const Unary& unary, std::size_t level) {
        out += unary.op == UnaryOp::minus ? '-' : '+';
        continue_line(*unary.expr, level);
    }
    void split(const Expr&, const Binary& binary, std::size_t level) {
        out += "  ";  // the left side stands one level deeper than the operator
        continue_line(*binary.left, level + 1);
        out += '\n';
        indent(level);
        out += infix(binary);
        out += '\n';
        write(*binary.right, level + 1);
    }
    void split(const Expr&, const Aggregate& aggregate, std::size_t level) {
        out += prefix(aggregate) + "(\n";
        if (aggregate.parameter) {
            write(*aggregate.parameter, level + 1);
            out += ",\n";
        }
        write(*aggregate.expr, level + 1);
        close(level);
    }
    void split(const Expr&, const Call& call, std::size_t level) {
        out += function(call.function).name;
        out += "(\n";
        for (const ExprPtr& argument : call.arguments) {
            if (argument != call.arguments.front()) out += ",\n";
            write(*argument, level + 1);
        }
        close(level);
    }
    void split(const Expr&, const Subquery& subquery, std::size_t level) {
        continue_line(*subquery.expr, level);
        out += suffix(subquery);
    }

    void indent(std::size_t level) { out.append(2 * level, ' '); }
    void close(std::size_t level) {
        out += '\n';
        indent(level);
        out += ')';
    }

    const Lengths& lengths_;
};

}  // namespace

std::string to_string(const Expr& expr) {
    ShortForm form;
    form.write(expr);
    return std::move(form.out);
}

std::string format_pretty(const Expr& expr) {
    Lengths lengths;
    ShortForm(&lengths).write(expr);
    PrettyForm form(lengths);
    form.write(expr, 0);
    return std::move(form.out);
}

std::string format_number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    // In fixed form the standard library writes every digit of a large value, not the shortest ones: so shift the
    // point of the scientific form ourselves.
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(
        buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific
    );
    std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
    std::string out;
    if (text.starts_with('-')) {
        out += '-';
        text.remove_prefix(1);
    }
    const std::size_t exponent_mark = text.find('e');
    std::string digits(text.substr(0, exponent_mark));
    std::erase(digits, '.');
    std::string_view exponent_text = text.substr(exponent_mark + 1);
    if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
    int exponent = 0;
    std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
    if (exponent < 0)
        return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0');
    return out + digits.insert(whole, ".");
}

}  // namespace mimir::promql

// NOLINTEND(misc-no-recursion)
