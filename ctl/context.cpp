#include "ctl/context.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <ostream>

#include "ctl/output/structured.hpp"

namespace mimir::ctl {

Context::Context(const Invocation& invocation, Streams streams, const Environment& environment)
    : invocation_(invocation),
      streams_(streams),
      environment_(environment),
      format_(parse_format(invocation.value("--output").value_or("table")).value_or(Format::table)
      ) {}

bool Context::colours_on(bool is_terminal) const {
    return is_terminal && !invocation_.has("--no-color") &&
           environment_.variable_or_empty("NO_COLOR").empty() &&
           environment_.variable_or_empty("TERM") != "dumb";
}

TableStyle Context::table_style() const {
    return {.wide = format_ == Format::wide, .colour = colours_on(environment_.out_is_terminal)};
}

Outcome<Connection*> Context::connection() {
    if (!connection_) {
        const DaemonOptions options{
            .socket = invocation_.value("--socket"),
            .token_file = invocation_.value("--token-file"),
            .ca_file = invocation_.value("--ca-file"),
            .certificate_file = invocation_.value("--cert-file"),
            .key_file = invocation_.value("--key-file"),
        };
        MIMIR_TRY(Daemon daemon, choose_daemon(options, environment_));
        connection_.emplace(std::move(daemon));
    }
    return &*connection_;
}

Outcome<std::string> Context::send(const Call& call) {
    MIMIR_TRY(Connection * daemon, connection());
    return daemon->send(call);
}

Outcome<void> Context::show_structured(std::string_view json, std::string_view name_member) {
    Result<void> written;
    switch (format_) {
        case Format::yaml: written = write_yaml(out(), json); break;
        case Format::jsonl: written = write_jsonl(out(), json); break;
        case Format::name: written = write_names(out(), json, name_member); break;
        default: written = write_json(out(), json); break;
    }
    if (!written) return tl::unexpected(bad_answer(written.error().message));
    return {};
}

CancellationToken Context::catch_interrupt() const {
    return environment_.catch_interrupt ? environment_.catch_interrupt()
                                        : CancellationToken::create();
}

void Context::say(std::string_view sentence) { err() << sanitized(sentence) << std::endl; }

Failure Context::bad_answer(std::string_view detail) {
    if (!connection_)
        return Failure{.what = "the answer is not understood", .why = std::string(detail)};
    return connection_->not_understood(detail);
}

namespace {

/// Lines behind the first stand below it.
std::string indented(std::string_view text) {
    std::string lines = sanitized(text, true);
    for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; ++at)
        lines.insert(at + 1, "  ");
    return lines;
}

}  // namespace

void print_failure(std::ostream& err, const Failure& failure, bool colour) {
    const std::string_view begin = colour ? "\x1b[31m" : "";
    const std::string_view end = colour ? "\x1b[0m" : "";
    std::string text = failure.what;
    if (!text.empty() && !failure.why.empty()) text += ": ";
    text += failure.why;
    err << begin << "mimirctl: " << end << indented(text) << '\n';
    for (const std::string& step : failure.next_steps) err << "  next: " << sanitized(step) << '\n';
    if (!failure.code.empty()) {
        const std::string code = sanitized(failure.code);
        err << "  code: " << code << " (`mimirctl explain " << code << "` says more)\n";
    }
    if (!failure.request_id.empty()) err << "  request: " << sanitized(failure.request_id) << '\n';
    err << std::flush;
}

std::string ago(TimestampMs then, TimestampMs now) {
    const std::int64_t seconds = std::max<std::int64_t>(0, (now - then).count() / 1000);
    if (seconds < 120) return fmt::format("{}s", seconds);
    if (seconds < 120 * 60) return fmt::format("{}m", seconds / 60);
    if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
    return fmt::format("{}d", seconds / 86'400);
}

std::string seconds(std::chrono::milliseconds time) {
    if (time < std::chrono::seconds(1)) return fmt::format("{} ms", time.count());
    return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000);
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
    return fmt::format("{}", fmt::join(words, separator));
}

std::string count_of(std::size_t count, std::string_view singular) {
    return fmt::format("{} {}{}", count, singular, count == 1 ? "" : "s");
}

}  // namespace mimir::ctl
