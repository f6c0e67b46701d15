#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace mimir::telemetry {

/// error: a person must act; warn: degraded and coping; info: life cycle; debug: per request.
enum class LogLevel : std::uint8_t { debug, info, warn, error };
enum class LogFormat : std::uint8_t { logfmt, json };

std::string_view to_string(LogLevel level);

/// A field's value, as a view: it lives as long as the log call. Takes strings, numbers, booleans,
/// durations (written "1.5s"), errors, paths, and whatever has str(), such as a TenantId.
class FieldValue {
  public:
    using Value = std::variant<
        std::string_view,
        std::int64_t,
        std::uint64_t,
        double,
        bool,
        std::chrono::nanoseconds>;

    template <std::convertible_to<std::string_view> T>
    FieldValue(const T& text) : value_(std::string_view(text)) {}
    template <class T>
        requires requires(const T& t) {
            { t.str() } -> std::same_as<const std::string&>;
        }
    FieldValue(const T& named) : value_(std::string_view(named.str())) {}
    template <class T>
        requires requires(const T& t) {
            { t.native() } -> std::same_as<const std::string&>;
        }
    FieldValue(const T& path) : value_(std::string_view(path.native())) {}
    FieldValue(const Error& error) : value_(std::string_view(error.message)) {}
    FieldValue(std::same_as<bool> auto flag) : value_(flag) {}
    FieldValue(std::signed_integral auto number) : value_(static_cast<std::int64_t>(number)) {}
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    FieldValue(T number) : value_(static_cast<std::uint64_t>(number)) {}
    FieldValue(std::floating_point auto number) : value_(static_cast<double>(number)) {}
    template <class Rep, class Period>
    FieldValue(std::chrono::duration<Rep, Period> duration)
        : value_(std::chrono::duration_cast<std::chrono::nanoseconds>(duration)) {}

    [[nodiscard]] const Value& value() const { return value_; }

  private:
    Value value_;
};

struct Field {
    std::string_view key;
    FieldValue value;
};
using Fields = std::initializer_list<Field>;

/// Writes one line an event, in logfmt or JSON with Mimir's field names:
///     log.info("head compacted", {{"user", tenant}, {"series", count}, {"took", elapsed}});
///     ts=2026-11-23T08:46:24.123456Z caller=head.cpp:81 level=info component=ingester msg="head
///     compacted" user=a ...
/// `msg` is a constant that can be searched for; what varies goes into fields. A disabled line
/// costs one load. Copies share output and level. A default-constructed logger discards everything.
/// Threads: any.
class Logger {
  public:
    using Where = std::source_location;

    Logger() = default;
    static Logger to_stderr(LogFormat format, LogLevel level);
    /// To the system's journal: a line as above without ts, and beside it PRIORITY, CODE_FILE, CODE_LINE,
    /// MIMIRD_COMPONENT, MIMIRD_MSG and a MIMIRD_<KEY> for each field, so that `journalctl MIMIRD_USER=team-a` finds
    /// what concerns a tenant. See stderr_is_journal().
    static Logger to_journal(LogFormat format, LogLevel level);
    /// For tests; `out` outlives every copy.
    static Logger to_stream(
        std::ostream& out, LogFormat format, LogLevel level, const Clock& clock = system_clock()
    );

    /// The same output under another component's name.
    [[nodiscard]] Logger component(std::string_view name) const;

    /// For every copy, from the next line on.
    void set_level(LogLevel level);
    [[nodiscard]] LogLevel level() const;
    [[nodiscard]] bool enabled(LogLevel level) const {
        return level_ != nullptr && level >= level_->load(std::memory_order_relaxed);
    }

    void debug(std::string_view msg, Fields fields = {}, Where where = Where::current()) const {
        if (enabled(LogLevel::debug)) write(LogLevel::debug, msg, fields, where);
    }
    void info(std::string_view msg, Fields fields = {}, Where where = Where::current()) const {
        if (enabled(LogLevel::info)) write(LogLevel::info, msg, fields, where);
    }
    void warn(std::string_view msg, Fields fields = {}, Where where = Where::current()) const {
        if (enabled(LogLevel::warn)) write(LogLevel::warn, msg, fields, where);
    }
    void error(std::string_view msg, Fields fields = {}, Where where = Where::current()) const {
        if (enabled(LogLevel::error)) write(LogLevel::error, msg, fields, where);
    }

  private:
    struct Output;
    explicit Logger(std::shared_ptr<Output> output);

    void write(LogLevel level, std::string_view msg, Fields fields, const Where& where) const;

    std::shared_ptr<Output> output_;
    /// Inside *output_; null when everything is discarded.
    std::atomic<LogLevel>* level_ = nullptr;
    std::string component_;
};

}  // namespace mimir::telemetry
