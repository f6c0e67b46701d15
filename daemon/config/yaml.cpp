#include "config/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace mimir::config {
namespace {

/// More than any configuration has; aliases of aliases would otherwise grow without bound.
constexpr std::size_t kNodesLimit = 1'000'000;

/// yaml-cpp counts lines from 0, and marks what it does not know with -1.
int line_of(const YAML::Mark& mark) { return mark.line + 1; }

/// yaml-cpp's tree to ours.
class Converter {
  public:
    Converter(std::string_view file, Findings& findings) : file_(file), findings_(findings) {}

    YamlNode convert(const YAML::Node& node) {
        YamlNode out{.line = line_of(node.Mark())};
        if (++nodes_ > kNodesLimit) return out;
        switch (node.Type()) {
            case YAML::NodeType::Undefined:
            case YAML::NodeType::Null: break;
            case YAML::NodeType::Scalar:
                out.kind = YamlNode::Kind::scalar;
                out.scalar = node.Scalar();
                break;
            case YAML::NodeType::Sequence:
                out.kind = YamlNode::Kind::sequence;
                for (const YAML::Node& item : node) out.items.push_back(convert(item));
                break;
            case YAML::NodeType::Map:
                out.kind = YamlNode::Kind::map;
                for (const auto& entry : node) add_entry(entry.first, entry.second, out);
                break;
        }
        return out;
    }

    [[nodiscard]] bool too_large() const { return nodes_ > kNodesLimit; }

  private:
    void add_entry(const YAML::Node& key, const YAML::Node& value, YamlNode& out) {
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
        out.entries.push_back({key.Scalar(), line, convert(value)});
    }

    void note(int line, std::string what) {
        findings_.add(fmt::format("{}:{}", file_, line), std::move(what));
    }

    std::string_view file_;
    Findings& findings_;
    std::size_t nodes_ = 0;
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
        if (!converter.too_large()) return root;
        findings.add(std::string(file), "the document has too many nodes");
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
