#include "ctl/output/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace mimir::ctl {
namespace {

constexpr std::string_view kGap = "  ";

std::string_view colour_of(Tone tone) {
    switch (tone) {
        case Tone::plain: return "";
        case Tone::good: return "\x1b[32m";
        case Tone::busy: return "\x1b[33m";
        case Tone::bad: return "\x1b[31m";
        case Tone::faint: return "\x1b[2m";
    }
    return "";
}

/// How many bytes a well-formed UTF-8 character at the front has; 0 when it is torn, overlong or a surrogate.
std::size_t character_bytes(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = at(0);
    if (first < 0x80) return 1;
    const std::size_t bytes = first < 0xC2   ? 0
                              : first < 0xE0 ? 2
                              : first < 0xF0 ? 3
                              : first < 0xF5 ? 4
                                             : 0;
    if (bytes == 0 || text.size() < bytes) return 0;
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((at(i) & 0xC0) != 0x80) return 0;
    }
    const bool overlong = (first == 0xE0 && at(1) < 0xA0) || (first == 0xF0 && at(1) < 0x90);
    const bool beyond = (first == 0xED && at(1) >= 0xA0) || (first == 0xF4 && at(1) >= 0x90);
    return overlong || beyond ? 0 : bytes;
}

/// Of text without control characters: one column a character, which is wrong for East Asian ones only.
std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
        return (static_cast<std::uint8_t>(c) & 0xC0) != 0x80;
    }));
}

/// A table's text, made harmless and measured.
class Layout {
  public:
    Layout(const Table& table, TableStyle style) : style_(style) {
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            if (style.wide || !table.columns[i].is_wide) shown_.push_back(i);
        }
        widths_.resize(table.columns.size());
        if (style.titles) {
            std::vector<Cell> titles;
            for (const Column& column : table.columns)
                titles.emplace_back(column.title, Tone::faint);
            add(titles);
        }
        for (const auto& row : table.rows) add(row);
    }

    void write(std::ostream& out, const std::vector<Column>& columns) const {
        for (const auto& line : lines_) {
            std::string text;
            for (std::size_t i = 0; i < shown_.size(); ++i) {
                if (i > 0) text += kGap;
                append(text, line[shown_[i]], widths_[shown_[i]], columns[shown_[i]].is_number);
            }
            text.erase(text.find_last_not_of(' ') + 1);
            out << text << '\n';
        }
    }

  private:
    void add(const std::vector<Cell>& row) {
        auto& line = lines_.emplace_back();
        for (std::size_t i = 0; i < row.size(); ++i) {
            line.emplace_back(
                row[i].text.empty() ? std::string("-") : sanitized(row[i].text), row[i].tone
            );
            widths_[i] = std::max(widths_[i], columns_of(line.back().text));
        }
    }

    void append(std::string& text, const Cell& cell, std::size_t width, bool right) const {
        const std::string_view colour = style_.colour ? colour_of(cell.tone) : "";
        const std::string padding(width - columns_of(cell.text), ' ');
        if (right) text += padding;
        text += colour;
        text += cell.text;
        if (!colour.empty()) text += "\x1b[0m";
        if (!right) text += padding;
    }

    const TableStyle style_;
    std::vector<std::size_t> shown_;
    std::vector<std::size_t> widths_;
    std::vector<std::vector<Cell>> lines_;
};

}  // namespace

void write_table(std::ostream& out, const Table& table, TableStyle style) {
    if (table.rows.empty()) return;
    Layout(table, style).write(out, table.columns);
}

void write_facts(std::ostream& out, const Table& table, TableStyle style) {
    Table titled = table;
    for (auto& row : titled.rows) row.front().text += ':';
    style.titles = false;
    style.wide = true;
    write_table(out, titled, style);
}

std::string sanitized(std::string_view text, bool keep_newlines) {
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const auto first = static_cast<std::uint8_t>(text.front());
        std::size_t bytes = character_bytes(text);
        const bool is_c1 = bytes == 2 && first == 0xC2 && static_cast<std::uint8_t>(text[1]) < 0xA0;
        const bool is_control = first < 0x20 || first == 0x7F || is_c1;
        const bool is_kept = keep_newlines && (first == '\n' || first == '\t');
        if (bytes == 0 || (is_control && !is_kept)) {
            bytes = std::max<std::size_t>(bytes, 1);
            for (const char c : text.substr(0, bytes)) {
                clean += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
            }
        } else {
            clean += text.substr(0, bytes);
        }
        text.remove_prefix(bytes);
    }
    return clean;
}

}  // namespace mimir::ctl
