#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mimir::ctl {

enum class Tone : std::uint8_t { plain, good, busy, bad, faint };

struct Cell {
    Cell() = default;
    Cell(std::string t, Tone tone_of_it = Tone::plain)  // NOLINT(google-explicit-constructor)
        : text(std::move(t)), tone(tone_of_it) {}
    Cell(std::string_view t, Tone tone_of_it = Tone::plain)  // NOLINT(google-explicit-constructor)
        : text(t), tone(tone_of_it) {}
    Cell(const char* t) : text(t) {}  // NOLINT(google-explicit-constructor)

    std::string text;
    Tone tone = Tone::plain;
};

struct Column {
    std::string_view title;
    /// Shown by -o wide only.
    bool is_wide = false;
    bool is_number = false;
};

/// Rows have a cell for each column.
struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
};

struct TableStyle {
    bool wide = false;
    bool colour = false;
    bool titles = true;
};

/// Columns are as wide as their widest cell; an empty cell shows as "-". Writes nothing when there are no rows.
void write_table(std::ostream& out, const Table& table, TableStyle style);

/// "status", say: a line for each row, the first cell a title with a colon.
void write_facts(std::ostream& out, const Table& table, TableStyle style);

/// The text with control characters, also those of terminals in UTF-8 and torn UTF-8, shown as \xNN, so that what a daemon
/// or a file says cannot command the terminal. `keep_newlines` is for texts of several lines.
std::string sanitized(std::string_view text, bool keep_newlines = false);

}  // namespace mimir::ctl
