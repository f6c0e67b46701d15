#include "promql/functions/label_functions.hpp"

#include <re2/re2.h>

#include <charconv>
#include <optional>

namespace mimir::promql {

namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// A replacement text cut up: text, then group, then text, ...
class Template {
  public:
    struct Part {
        std::string text;
        std::optional<std::size_t> group;  ///< What follows the text; none for a group there isn't.
    };

    Template(std::string_view text, const re2::RE2& expression) {
        std::string plain;
        while (!text.empty()) {
            const auto reference = take_reference(text);
            if (reference) {
                parts_.push_back({std::move(plain), group_of(*reference, expression)});
                plain.clear();
            } else {
                if (text.starts_with("$$")) text.remove_prefix(1);
                plain += text.front();
                text.remove_prefix(1);
            }
        }
        parts_.push_back({std::move(plain), std::nullopt});
    }

    [[nodiscard]] std::string expand(const std::vector<re2::StringPiece>& groups) const {
        std::string result;
        for (const auto& [text, group] : parts_) {
            result += text;
            if (group) result.append(groups[*group].data(), groups[*group].size());
        }
        return result;
    }

  private:
    /// Takes $name or ${name} off the front; the longest run of word characters is the name.
    static std::optional<std::string> take_reference(std::string_view& text) {
        if (text.size() < 2 || text[0] != '$') return std::nullopt;
        const bool braces = text[1] == '{';
        std::size_t end = braces ? 2 : 1;
        const std::size_t begin = end;
        while (end < text.size() && is_word(text[end])) ++end;
        if (end == begin || (braces && (end == text.size() || text[end] != '}'))) {
            return std::nullopt;
        }
        std::string name(text.substr(begin, end - begin));
        text.remove_prefix(end + (braces ? 1 : 0));
        return name;
    }

    static std::optional<std::size_t> group_of(
        const std::string& name, const re2::RE2& expression
    ) {
        int number = -1;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error != std::errc() || end != name.data() + name.size()) {
            const auto& groups = expression.NamedCapturingGroups();
            const auto at = groups.find(name);
            number = at == groups.end() ? -1 : at->second;
        }
        if (number < 0 || number > expression.NumberOfCapturingGroups()) return std::nullopt;
        return static_cast<std::size_t>(number);
    }

    std::vector<Part> parts_;
};

re2::RE2::Options quiet_options() {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    return options;
}

class Replace final : public LabelFunction {
  public:
    explicit Replace(LabelReplacement replacement)
        : replacement_(std::move(replacement)),
          expression_(replacement_.expression, quiet_options()),
          template_(replacement_.replacement, expression_) {}

    [[nodiscard]] const re2::RE2& expression() const { return expression_; }
    [[nodiscard]] const std::string& destination() const override {
        return replacement_.destination;
    }
    [[nodiscard]] model::Labels apply(model::LabelsView labels) const override {
        const std::string_view value = labels.get(replacement_.source);
        const re2::StringPiece text(value.data(), value.size());
        std::vector<re2::StringPiece> groups(
            static_cast<std::size_t>(expression_.NumberOfCapturingGroups()) + 1
        );
        if (!expression_.Match(
                text,
                0,
                text.size(),
                re2::RE2::ANCHOR_BOTH,
                groups.data(),
                static_cast<int>(groups.size())
            )) {
            return model::Labels(labels);
        }
        const std::string expanded = template_.expand(groups);
        return model::LabelsBuilder(labels).set(replacement_.destination, expanded).build();
    }

  private:
    LabelReplacement replacement_;
    re2::RE2 expression_;
    Template template_;
};

class Join final : public LabelFunction {
  public:
    explicit Join(LabelJoin join) : join_(std::move(join)) {}

    [[nodiscard]] const std::string& destination() const override { return join_.destination; }
    [[nodiscard]] model::Labels apply(model::LabelsView labels) const override {
        std::string joined;
        for (std::size_t i = 0; i < join_.sources.size(); ++i) {
            if (i > 0) joined += join_.separator;
            joined += labels.get(join_.sources[i]);
        }
        return model::LabelsBuilder(labels).set(join_.destination, joined).build();
    }

  private:
    LabelJoin join_;
};

}  // namespace

bool is_label_name(std::string_view name) { return !name.empty() && model::is_valid_utf8(name); }

Result<std::unique_ptr<LabelFunction>> make_label_replace(LabelReplacement replacement) {
    auto function = std::make_unique<Replace>(std::move(replacement));
    if (!function->expression().ok()) {
        return fail(
            ErrorKind::invalid,
            "invalid regular expression in label_replace(): {}",
            function->expression().pattern()
        );
    }
    if (!is_label_name(function->destination())) {
        return fail(
            ErrorKind::invalid,
            "invalid destination label name in label_replace(): {}",
            function->destination()
        );
    }
    return function;
}

Result<std::unique_ptr<LabelFunction>> make_label_join(LabelJoin join) {
    for (const auto& source : join.sources) {
        if (!is_label_name(source)) {
            return fail(
                ErrorKind::invalid, "invalid source label name in label_join(): {}", source
            );
        }
    }
    if (!is_label_name(join.destination)) {
        return fail(
            ErrorKind::invalid,
            "invalid destination label name in label_join(): {}",
            join.destination
        );
    }
    return std::make_unique<Join>(std::move(join));
}

}  // namespace mimir::promql
