#pragma once

#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "fs/file_system.hpp"

namespace mimir::ring::detail {

/// Mimir's tokens file: {"tokens":[1,2,3]}. Sorted, unique.
/// Errors: not_found, corrupt, those of the file system.
Result<std::vector<Token>> read_tokens_file(const fs::FileSystem& files, const fs::Path& path);
/// Atomically; makes the folder.
Result<void> write_tokens_file(
    fs::FileSystem& files, const fs::Path& path, const std::vector<Token>& tokens
);

}  // namespace mimir::ring::detail
