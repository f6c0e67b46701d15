#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/json.hpp"
#include "ctl/command.hpp"
#include "ctl/connection.hpp"
#include "ctl/environment.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/table.hpp"

namespace mimir::ctl {

/// False when members are missing that every mimird sends: then it is the JSON of somebody else.
template <class T>
bool is_of_mimird(const T&) {
    return true;
}
inline bool is_of_mimird(const api::Status& status) { return !status.version.empty(); }
inline bool is_of_mimird(const api::Operation& operation) { return !operation.id.empty(); }
inline bool is_of_mimird(const std::vector<api::Module>& modules) {
    return std::ranges::none_of(modules, &std::string::empty, &api::Module::name);
}

/// What a command's handler works with.
class Context {
  public:
    Context(const Invocation& invocation, Streams streams, const Environment& environment);

    [[nodiscard]] const Invocation& invocation() const { return invocation_; }
    [[nodiscard]] const Environment& environment() const { return environment_; }
    [[nodiscard]] std::istream& in() { return streams_.in; }
    [[nodiscard]] std::ostream& out() { return streams_.out; }
    [[nodiscard]] std::ostream& err() { return streams_.err; }
    [[nodiscard]] Format format() const { return format_; }
    [[nodiscard]] TableStyle table_style() const;
    [[nodiscard]] bool colours_on(bool is_terminal) const;

    /// The daemon that the options name. Made when first asked for; an error is about the options.
    Outcome<Connection*> connection();
    /// The same with one request.
    Outcome<std::string> send(const Call& call);

    /// The answer as -o says: JSON goes out as it came once it is understood, for people `to_table` makes rows of it.
    template <class T, class ToTable>
    Outcome<void> show(
        std::string_view json, std::string_view name_member, const ToTable& to_table
    ) {
        MIMIR_TRY(const T value, decode<T>(json));
        if (!is_for_people(format_)) return show_structured(json, name_member);
        write_table(out(), to_table(value), table_style());
        return {};
    }
    Outcome<void> show_structured(std::string_view json, std::string_view name_member);

    /// Errors: what is wrong with the answer, or with the version of who gave it.
    template <class T>
    Outcome<T> decode(std::string_view json) {
        auto value = api::from_json<T>(json, api::Unknown::ignore);
        if (!value) return tl::unexpected(bad_answer(value.error().message));
        if (!is_of_mimird(*value)) return tl::unexpected(bad_answer("its answer is incomplete"));
        return *std::move(value);
    }

    /// Canceled by ctrl-C, which from here on does not end the program.
    [[nodiscard]] CancellationToken catch_interrupt() const;
    /// A sentence on stderr.
    void say(std::string_view sentence);

  private:
    Failure bad_answer(std::string_view detail);

    const Invocation& invocation_;
    Streams streams_;
    const Environment& environment_;
    const Format format_;
    std::optional<Connection> connection_;
};

/// The failure as it is said on stderr.
void print_failure(std::ostream& err, const Failure& failure, bool colour);

/// "3m", "2h", "5d": how long ago, in one unit.
std::string ago(TimestampMs then, TimestampMs now);
/// "300 ms", "4.5 s"
std::string seconds(std::chrono::milliseconds time);
std::string join(const std::vector<std::string>& words, std::string_view separator = ",");
/// "1 module", "3 modules"
std::string count_of(std::size_t count, std::string_view singular);

}  // namespace mimir::ctl
