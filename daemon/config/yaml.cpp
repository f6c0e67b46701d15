#include "config/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace mimir::config {
namespace {

/// More than any configuration has; aliases of aliases would otherwise grow without bound.
constexpr std::size_t kNodesLimit = 1'000'000;
/// An alias within what it stands for is nested without end.
constexpr std::size_t kLevelsLimit = 100;

/// yaml-cpp counts lines from 0, and marks what it does not know with -1.
int line_of(const YAML::Mark& mark) { return mark.line + 1; }

/// yaml-cpp's tree to ours.
class Converter {
  public:
    Converter(std::string_view file, Findings& findings) : file_(file), findings_(findings) {}

    YamlNode convert(const YAML::Node& node, std::size_t level = 0) {
        YamlNode out{.line = line_of(node.Mark())};
        too_deep_ = too_deep_ || level > kLevelsLimit;
        if (too_deep_ || ++nodes_ > kNodesLimit) return out;
        switch (node.Type()) {
            case YAML::NodeType::Undefined:
            case YAML::NodeType::Null: break;
            case YAML::NodeType::Scalar:
                out.kind = YamlNode::Kind::scalar;
                out.scalar = node.Scalar();
                break;
            case YAML::NodeType::Sequence:
                out.kind = YamlNode::Kind::sequence;
                for (const YAML::Node& item : node) out.items.push_back(convert(item, level + 1));
                break;
            case YAML::NodeType::Map:
                out.kind = YamlNode::Kind::map;
                for (const auto& entry : node) {
                    add_entry(entry.first, entry.second, level + 1, out);
                }
                break;
        }
        return out;
    }

    [[nodiscard]] bool too_large() const { return nodes_ > kNodesLimit; }
    [[nodiscard]] bool too_deep() const { return too_deep_; }

  private:
    void add_entry(
        const YAML::Node& key, const YAML::Node& value, std::size_t level, YamlNode& out
    ) {
        const int line = line_of(key.Mark());
        if (!key.IsScalar()) return note(line, "a key must be a word");
        if (key.Scalar() == "<<") return note(line, "merge keys (<<) are not supported");
        const auto twin = std::ranges::find(out.entries, key.Scalar(), &YamlEntry::key);
        if (twin != out.entries.end()) {
            return note(
                line,
                fmt::format("\"{}\" is given twice, first on line {}", key.Scalar(), twin->line)
            );
        }
        out.entries.push_back({key.Scalar(), line, convert(value, level)});
    }

    void note(int line, std::string what) {
        findings_.add(fmt::format("{}:{}", file_, line), std::move(what));
    }

    std::string_view file_;
    Findings& findings_;
    std::size_t nodes_ = 0;
    bool too_deep_ = false;
};

}  // namespace

std::optional<YamlNode> parse_yaml(
    std::string_view text, std::string_view file, Findings& findings
) {
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
        if (documents.empty()) return YamlNode{};
        if (documents.size() > 1) {
            findings.add(
                fmt::format("{}:{}", file, line_of(documents[1].Mark())),
                "a second document starts here; a configuration is one document"
            );
            return std::nullopt;
        }
        Converter converter(file, findings);
        YamlNode root = converter.convert(documents.front());
        if (!converter.too_large() && !converter.too_deep()) return root;
        findings.add(
            std::string(file),
            converter.too_deep()
                ? fmt::format("the document is nested deeper than {} levels", kLevelsLimit)
                : "the document has too many nodes"
        );
    } catch (const YAML::Exception& error) {
        const int line = line_of(error.mark);
        const bool has_tabs = text.starts_with('\t') || text.find("\n\t") != std::string_view::npos;
        findings.add(
            fmt::format("{}:{}", file, line),
            fmt::format(
                "not YAML at line {}, column {}: {}{}",
                line,
                error.mark.column + 1,
                error.msg,
                has_tabs ? "; YAML is indented by spaces, not by tabs" : ""
            )
        );
    }
    return std::nullopt;
}

}  // namespace mimir::config
