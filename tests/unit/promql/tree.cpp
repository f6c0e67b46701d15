#include "tree.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "promql/printer.hpp"
#include "promql/quote.hpp"

namespace mimir::test {
namespace {

using namespace promql;  // NOLINT(google-build-using-namespace): it is all about these

std::string show(const Duration& duration) {
    return duration.depends_on_query ? "?" : fmt::format("{}ms", duration.value.count());
}

std::string show(const Duration& offset, const std::optional<At>& at) {
    std::string out;
    if (offset.value.count() != 0 || offset.formula) out += " offset " + show(offset);
    if (!at) return out;
    if (at->kind == At::Kind::time) return out + fmt::format(" @{}ms", at->time.ms);
    return out + (at->kind == At::Kind::start ? " @start" : " @end");
}

struct Tree {
    std::string operator()(const NumberLiteral& number) const {
        return format_number(number.value) + (number.is_duration ? "d" : "");
    }
    std::string operator()(const StringLiteral& string) const { return quote(string.value); }
    std::string operator()(const Paren& paren) const {
        return fmt::format("(paren {})", tree(*paren.expr));
    }
    std::string operator()(const Unary& unary) const {
        return fmt::format(
            "({} {})", unary.op == UnaryOp::minus ? "neg" : "pos", tree(*unary.expr)
        );
    }
    std::string operator()(const Binary& binary) const {
        std::string op(to_string(binary.op));
        if (binary.return_bool) op += " bool";
        if (binary.matching) op += show(*binary.matching);
        return fmt::format("({} {} {})", op, tree(*binary.left), tree(*binary.right));
    }
    std::string operator()(const Aggregate& aggregate) const {
        return fmt::format(
            "({} {} {}{} {})",
            to_string(aggregate.op),
            aggregate.without ? "without" : "by",
            aggregate.grouping,
            aggregate.parameter ? " " + tree(*aggregate.parameter) : "",
            tree(*aggregate.expr)
        );
    }
    std::string operator()(const Call& call) const {
        std::string out = "(" + std::string(function(call.function).name);
        for (const ExprPtr& argument : call.arguments) out += " " + tree(*argument);
        return out + ")";
    }
    std::string operator()(const VectorSelector& selector) const {
        std::string out = selector.name + "{";
        for (const model::Matcher& matcher : selector.matchers) {
            if (!out.ends_with('{')) out += ",";
            out += matcher.to_string();
        }
        out += "}" + show(selector.offset, selector.at);
        if (selector.edges == RangeEdges::anchored) out += " anchored";
        if (selector.edges == RangeEdges::smoothed) out += " smoothed";
        return out;
    }
    std::string operator()(const MatrixSelector& matrix) const {
        return fmt::format("(range {} {})", show(matrix.range), (*this)(matrix.vector));
    }
    std::string operator()(const Subquery& subquery) const {
        return fmt::format(
            "(subquery {}:{}{} {})",
            show(subquery.range),
            subquery.step ? show(*subquery.step) : "",
            show(subquery.offset, subquery.at),
            tree(*subquery.expr)
        );
    }

    static std::string show(const VectorMatching& matching) {
        constexpr std::array kCards = {"1:1", "n:1", "1:n", "n:m"};
        std::string out = fmt::format(
            "[{} {} {}",
            kCards[static_cast<std::size_t>(matching.card)],
            matching.on ? "on" : "ignoring",
            matching.labels
        );
        if (!matching.include.empty()) out += fmt::format(" include {}", matching.include);
        if (matching.fill_left) out += fmt::format(" left {}", *matching.fill_left);
        if (matching.fill_right) out += fmt::format(" right {}", *matching.fill_right);
        return out + "]";
    }
    static std::string show(const Duration& duration) { return test::show(duration); }
    static std::string show(const Duration& offset, const std::optional<At>& at) {
        return test::show(offset, at);
    }
};

}  // namespace

std::string tree(const Expr& expr) { return std::visit(Tree{}, expr.node); }

}  // namespace mimir::test
