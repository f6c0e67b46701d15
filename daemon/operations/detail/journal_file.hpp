#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.hpp"
#include "base/types.hpp"

namespace SQLite {
class Database;
class Exception;
}  // namespace SQLite

namespace mimir::operations::detail {

/// Opens or makes the file, takes it for this process alone, and looks whether all of it can be read and is of our making.
/// Errors: corrupt (damaged: to be set aside), conflict (another process has it), journal-unavailable (the rest: rights,
///         disk, a file of a newer version).
Result<std::unique_ptr<SQLite::Database>> open_journal_file(
    const std::filesystem::path& file, std::uint64_t bytes_max
);

/// Whether the path still leads to the file that was opened.
bool is_in_place(SQLite::Database& database);

/// What SQLite says, in our words. Errors: as those of open_journal_file().
Error to_error(const SQLite::Exception& error, const std::filesystem::path& file);

/// Renames the file and what belongs to it to journal.db.corrupt-<time>...; returns the new name.
/// Errors: journal-unavailable.
Result<std::filesystem::path> set_aside(const std::filesystem::path& file, TimestampMs now);

}  // namespace mimir::operations::detail
