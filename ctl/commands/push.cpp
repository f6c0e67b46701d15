#include <algorithm>
#include <ostream>

#include "ctl/commands/commands.hpp"
#include "ctl/commands/read_input.hpp"
#include "ctl/output/structured.hpp"
#include "ctl/public_api.hpp"
#include "ctl/sample_lines.hpp"
#include "encoding/compression.hpp"
#include "wire/remote_write.hpp"

namespace mimir::ctl {
namespace {

/// Of one request: well below every server's limits.
constexpr std::size_t kSamplesLimit = 5000;
constexpr std::size_t kErrorsShown = 20;

/// Every line, or everything that is wrong with them.
Outcome<std::vector<SampleLine>> parse_lines(
    std::string_view text, std::string_view from, TimestampMs now
) {
    std::vector<SampleLine> samples;
    std::vector<std::string> mistakes;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos || line[begin] == '#') continue;
        auto sample = parse_sample_line(line, now);
        if (sample) {
            samples.push_back(*std::move(sample));
        } else {
            mistakes.push_back(fmt::format("{} {}: {}", from, number, sample.error().message));
        }
    }
    if (mistakes.empty()) return samples;
    Failure failure{
        .exit_code = ExitCode::usage,
        .what = "nothing was sent",
        .why = count_of(mistakes.size(), "line") + " cannot be read",
    };
    const std::size_t shown = std::min(mistakes.size(), kErrorsShown);
    failure.next_steps.assign(
        mistakes.begin(), mistakes.begin() + static_cast<std::ptrdiff_t>(shown)
    );
    failure.next_steps.emplace_back(
        "write lines as: name{label=\"value\"} 1.5 [milliseconds since 1970]"
    );
    return tl::unexpected(std::move(failure));
}

Outcome<void> send_batch(
    Context& context, const PublicApi& api, std::span<const SampleLine> samples
) {
    model::WriteRequest request;
    for (const SampleLine& line : samples) request.add(line.labels, line.sample);
    std::string message;
    wire::encode_write_request(request, message);
    std::string block;
    encoding::snappy_compress(message, block);
    http::ClientRequest push{
        .method = http::Method::post,
        .target = api.base + "/api/v1/push",
        .headers =
            {
                {"Content-Type", "application/x-protobuf"},
                {"Content-Encoding", "snappy"},
                {"X-Prometheus-Remote-Write-Version", "0.1.0"},
            },
        .body = std::move(block),
    };
    MIMIR_TRY(send_public(context, api, std::move(push)));
    return {};
}

Outcome<void> show_count(Context& context, std::size_t acknowledged) {
    if (is_for_people(context.format())) {
        context.say(count_of(acknowledged, "sample") + " acknowledged");
        return {};
    }
    return context.show_structured(
        fmt::format("{{\"acknowledged\":{}}}", acknowledged), "acknowledged"
    );
}

}  // namespace

Outcome<ExitCode> run_push(Context& context) {
    const auto& arguments = context.invocation().arguments;
    const bool from_stdin = arguments.empty();
    std::string text;
    if (from_stdin) {
        if (context.environment().in_is_terminal)
            context.say("reading lines from the terminal; end with ctrl-D");
        MIMIR_TRY(text, read_all(context.in(), "stdin"));
    } else {
        text = join(arguments, "\n");
    }
    const TimestampMs now = context.environment().clock->now();
    MIMIR_TRY(const auto samples, parse_lines(text, from_stdin ? "line" : "argument", now));
    if (samples.empty())
        return usage("there are no samples", "write lines as: name{label=\"value\"} 1.5");

    MIMIR_TRY(const PublicApi api, find_public_api(context));
    std::size_t acknowledged = 0;
    while (acknowledged < samples.size()) {
        const auto rest = std::span(samples).subspan(acknowledged);
        const auto batch = rest.first(std::min(rest.size(), kSamplesLimit));
        if (auto sent = send_batch(context, api, batch); !sent) {
            MIMIR_TRY(show_count(context, acknowledged));
            return tl::unexpected(std::move(sent).error());
        }
        acknowledged += batch.size();
    }
    MIMIR_TRY(show_count(context, acknowledged));
    return ExitCode::done;
}

}  // namespace mimir::ctl
