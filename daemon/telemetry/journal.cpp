#include "telemetry/journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <variant>

#define SD_JOURNAL_SUPPRESS_LOCATION  // ours is that of the log call
#include <systemd/sd-journal.h>

#include "base/units.hpp"

namespace mimir::telemetry {
namespace {

/// Of syslog(3).
int priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::error: return 3;
        case LogLevel::warn: return 4;
        case LogLevel::info: return 6;
        case LogLevel::debug: return 7;
    }
    return 6;
}

/// A field's name as the journal takes them: capitals, digits and underscores, 64 at most.
std::string journal_name(std::string_view key) {
    constexpr std::size_t kSizeMax = 64;
    std::string name = "MIMIRD_";
    for (const char c : key) {
        const bool is_lower = c >= 'a' && c <= 'z';
        const bool is_kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name += is_lower ? static_cast<char>(c - 'a' + 'A') : is_kept ? c : '_';
    }
    name.resize(std::min(name.size(), kSizeMax));
    return name;
}

struct TextOf {
    std::string operator()(std::string_view value) const { return std::string(value); }
    std::string operator()(std::int64_t value) const { return fmt::to_string(value); }
    std::string operator()(std::uint64_t value) const { return fmt::to_string(value); }
    std::string operator()(double value) const { return fmt::to_string(value); }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::chrono::nanoseconds value) const { return format_duration(value); }
};

}  // namespace

std::vector<std::string> journal_fields(const JournalEntry& entry) {
    std::vector<std::string> all = {
        fmt::format("MESSAGE={}", entry.line),
        fmt::format("PRIORITY={}", priority_of(entry.level)),
        fmt::format("CODE_FILE={}", entry.where.file_name()),
        fmt::format("CODE_LINE={}", entry.where.line()),
        "SYSLOG_IDENTIFIER=mimird",
        fmt::format("MIMIRD_MSG={}", entry.msg),
    };
    if (!entry.component.empty())
        all.push_back(fmt::format("MIMIRD_COMPONENT={}", entry.component));
    for (const Field& field : entry.fields) {
        all.push_back(journal_name(field.key) + "=" + std::visit(TextOf{}, field.value.value()));
    }
    return all;
}

void send_to_journal(const JournalEntry& entry) {
    auto fields = journal_fields(entry);
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (std::string& field : fields) parts.push_back({field.data(), field.size()});
    (void)::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat info{};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &info) != 0) return false;
    return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

}  // namespace mimir::telemetry
