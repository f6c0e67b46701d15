#include "ring/detail/tokens_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mimir::ring::detail {

Result<std::vector<Token>> read_tokens_file(const fs::FileSystem& files, const fs::Path& path) {
    MIMIR_TRY(const std::string text, files.read_file(path));
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("tokens") || !json["tokens"].is_array()) {
        return fail(ErrorKind::corrupt, "{} is no list of tokens", path.native());
    }
    std::vector<Token> tokens;
    for (const auto& number : json["tokens"]) {
        if (!number.is_number_unsigned() || number.get<std::uint64_t>() > UINT32_MAX) {
            return fail(ErrorKind::corrupt, "{} has a token that is none", path.native());
        }
        tokens.push_back(Token{number.get<std::uint32_t>()});
    }
    std::ranges::sort(tokens);
    const auto repeated = std::ranges::unique(tokens);
    tokens.erase(repeated.begin(), repeated.end());
    return tokens;
}

Result<void> write_tokens_file(
    fs::FileSystem& files, const fs::Path& path, const std::vector<Token>& tokens
) {
    auto numbers = nlohmann::json::array();
    for (const Token token : tokens) numbers.push_back(static_cast<std::uint32_t>(token));
    MIMIR_TRY(files.create_directories(path.parent_path()));
    return fs::write_file_atomically(
        files, path, nlohmann::json{{"tokens", numbers}}.dump() + "\n"
    );
}

}  // namespace mimir::ring::detail
