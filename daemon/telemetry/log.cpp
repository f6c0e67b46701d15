#include "telemetry/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <ctime>
#include <iterator>

#include "base/units.hpp"
#include "telemetry/journal.hpp"

namespace mimir::telemetry {
namespace {

using Buffer = fmt::memory_buffer;

void append(Buffer& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
}

/// RFC 3339 in UTC with milliseconds.
void append_time(Buffer& out, TimestampMs now) {
    const std::time_t seconds = now.ms / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    fmt::format_to(
        std::back_inserter(out),
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        utc.tm_year + 1900,
        utc.tm_mon + 1,
        utc.tm_mday,
        utc.tm_hour,
        utc.tm_min,
        utc.tm_sec,
        now.ms % 1000
    );
}

/// Length of the well-formed UTF-8 sequence at the front of a text, 0 if there is none.
std::size_t utf8_sequence(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const std::size_t length = byte(0) < 0xC2   ? 0
                               : byte(0) < 0xE0 ? 2
                               : byte(0) < 0xF0 ? 3
                               : byte(0) < 0xF5 ? 4
                                                : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    const bool overlong =
        (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xF0 && byte(1) < 0x90);
    const bool surrogate = byte(0) == 0xED && byte(1) > 0x9F;
    const bool beyond = byte(0) == 0xF4 && byte(1) > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}

/// In quotes. The escapes are those that logfmt and JSON share; what is not UTF-8 becomes U+FFFD,
/// so that a line stays one line of valid text whatever a client sent.
void append_quoted(Buffer& out, std::string_view text) {
    out.push_back('"');
    while (!text.empty()) {
        const auto c = static_cast<unsigned char>(text.front());
        std::size_t length = 1;
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(text.front());
        } else if (c == '\n') {
            append(out, "\\n");
        } else if (c == '\t') {
            append(out, "\\t");
        } else if (c < 0x20 || c == 0x7F) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
        } else if (c < 0x80) {
            out.push_back(text.front());
        } else if (const std::size_t sequence = utf8_sequence(text); sequence > 0) {
            length = sequence;
            append(out, text.substr(0, sequence));
        } else {
            append(out, "\uFFFD");
        }
        text.remove_prefix(length);
    }
    out.push_back('"');
}

/// Whether logfmt takes the text without quotes.
bool is_plain(std::string_view text) {
    for (const char c : text) {
        if (c <= ' ' || c > '~' || c == '=' || c == '"' || c == '\\') return false;
    }
    return !text.empty();
}

/// One line being written: pairs in logfmt or members of a JSON object.
class Line {
  public:
    Line(Buffer& out, LogFormat format) : out_(out), json_(format == LogFormat::json) {
        if (json_) out_.push_back('{');
    }
    void end() {
        if (json_) out_.push_back('}');
    }

    void key(std::string_view name) {
        if (!first_) out_.push_back(json_ ? ',' : ' ');
        first_ = false;
        if (json_) {
            append_quoted(out_, name);
            out_.push_back(':');
        } else {
            append(out_, name);
            out_.push_back('=');
        }
    }

    void text(std::string_view value) {
        if (!json_ && is_plain(value)) {
            append(out_, value);
        } else {
            append_quoted(out_, value);
        }
    }
    void number(double value) {
        if (json_ && !std::isfinite(value)) {
            append_quoted(out_, fmt::to_string(value));
        } else {
            fmt::format_to(std::back_inserter(out_), "{}", value);
        }
    }

    // The alternatives of FieldValue.
    void operator()(std::string_view value) { text(value); }
    void operator()(std::int64_t value) { fmt::format_to(std::back_inserter(out_), "{}", value); }
    void operator()(std::uint64_t value) { fmt::format_to(std::back_inserter(out_), "{}", value); }
    void operator()(double value) { number(value); }
    void operator()(bool value) { append(out_, value ? "true" : "false"); }
    void operator()(std::chrono::nanoseconds value) { text(format_duration(value)); }

  private:
    Buffer& out_;
    bool json_;
    bool first_ = true;
};

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::info: return "info";
        case LogLevel::warn: return "warn";
        case LogLevel::error: return "error";
    }
    return "unknown";
}

struct Logger::Output {
    Output(std::shared_ptr<spdlog::sinks::sink> sink, LogFormat f, LogLevel l, const Clock& c)
        : level(l), format(f), clock(c), logger("", std::move(sink)) {
        logger.set_pattern("%v");
        logger.set_level(spdlog::level::trace);  // ours decides
        logger.flush_on(spdlog::level::trace);
    }

    std::atomic<LogLevel> level;
    const LogFormat format;
    const Clock& clock;
    /// Lines go to the system's journal instead.
    bool to_journal = false;
    spdlog::logger logger;
};

Logger::Logger(std::shared_ptr<Output> output)
    : output_(std::move(output)), level_(&output_->level) {}

Logger Logger::to_stderr(LogFormat format, LogLevel level) {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    return Logger(std::make_shared<Output>(std::move(sink), format, level, system_clock()));
}

Logger Logger::to_journal(LogFormat format, LogLevel level) {
    Logger log = to_stderr(format, level);
    log.output_->to_journal = true;
    return log;
}

Logger Logger::to_stream(std::ostream& out, LogFormat format, LogLevel level, const Clock& clock) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
    return Logger(std::make_shared<Output>(std::move(sink), format, level, clock));
}

Logger Logger::component(std::string_view name) const {
    Logger named = *this;
    named.component_ = name;
    return named;
}

void Logger::set_level(LogLevel level) {
    if (level_ != nullptr) level_->store(level, std::memory_order_relaxed);
}

LogLevel Logger::level() const {
    return level_ != nullptr ? level_->load(std::memory_order_relaxed) : LogLevel::error;
}

void Logger::write(LogLevel level, std::string_view msg, Fields fields, const Where& where) const {
    Buffer out;
    Line line(out, output_->format);
    if (!output_->to_journal) {  // which has its own
        line.key("ts");
        Buffer time;
        append_time(time, output_->clock.now());
        line.text({time.data(), time.size()});
    }
    line.key("caller");
    line.text(fmt::format("{}:{}", file_name(where.file_name()), where.line()));
    line.key("level");
    line.text(to_string(level));
    if (!component_.empty()) {
        line.key("component");
        line.text(component_);
    }
    line.key("msg");
    line.text(msg);
    for (const Field& field : fields) {
        line.key(field.key);
        std::visit(line, field.value.value());
    }
    line.end();
    if (output_->to_journal) {
        return send_to_journal({
            .level = level,
            .line = {out.data(), out.size()},
            .component = component_,
            .msg = msg,
            .fields = fields,
            .where = where,
        });
    }
    output_->logger.log(spdlog::level::info, spdlog::string_view_t(out.data(), out.size()));
}

}  // namespace mimir::telemetry
