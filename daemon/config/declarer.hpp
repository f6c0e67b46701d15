#pragma once

// One declaration a setting; everything else derives from it: its flag and YAML key, -help,
// -print.config, /config, docs/options.md, the checks. A component declares its plain Options
// struct in options.cpp:
//
//     void declare(config::Declarer& d, Options& o) {
//         d.option(o.remote_timeout, {
//             .key = "distributor.remote_timeout",
//             .help = "Time-out of a push to one ingester.",
//             .min = 1ms,
//         });
//     }
//
// The default is what the field holds when it is declared. The same function declares a second
// instance of the struct: limits are declared once for each tenant that overrides some.

#include <chrono>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "config/value.hpp"

namespace mimir::config {

/// Whom a setting is for. -help shows the basic ones, -help-all all.
enum class Category : std::uint8_t { basic, advanced, experimental };

enum class Unit : std::uint8_t { none, bytes };

template <class T>
struct OptionSpec {
    /// Path in YAML, "distributor.remote_timeout"; empty for what only the command line has.
    std::string_view key = {};
    /// Name of the flag, where it is not the key with '-' for '_'.
    std::string_view flag = {};
    /// One or two sentences: what it does, and when to change it.
    std::string_view help = {};
    Category category = Category::basic;
    Unit unit = Unit::none;
    /// Bounds, both allowed. Without them: what T holds, and for durations 0 and more.
    std::optional<T> min = {};
    std::optional<T> max = {};
    /// For enumerations: the name of each value.
    std::vector<std::pair<std::string_view, T>> names = {};
    /// Shown as ******** wherever settings are printed.
    bool secret = false;
    /// A reload brings it into force without restarting anything.
    bool reloadable = false;
    /// Only a restart of the process brings it into force.
    bool needs_process = false;
};

/// What Option::restarts says of settings that only a restart of the process brings into force.
inline constexpr std::string_view kProcess = "mimird";

/// A declared setting, bound to the field that holds its value. Texts and names of a spec are literals.
struct Option {
    std::string key;
    std::string flag;
    std::string_view help;
    Category category;
    Type type;
    std::vector<std::string_view> names;
    std::optional<Value> min;
    std::optional<Value> max;
    Value default_value;
    bool secret;
    /// The module that a reload restarts when it changed; empty when none has to, kProcess when that does not help.
    std::string_view restarts;
    /// Whether the runtime configuration may override it for one tenant.
    bool per_tenant;

    std::function<Value()> load;
    std::function<void(const Value&)> store;

    /// Reads, checks and stores a value; on error the field keeps what it had.
    /// Errors: invalid, saying what was expected.
    [[nodiscard]] Result<void> set(std::string_view text) const;
    [[nodiscard]] Result<void> set(std::vector<std::string> items) const;
    [[nodiscard]] bool is_default() const { return load() == default_value; }
};

/// The list of declared settings, in the order of declaration. The structs that were declared
/// outlive it.
class Declarer {
  public:
    template <class T>
    void option(T& field, OptionSpec<T> spec);

    /// Marks what is declared from now on, until it is called again, as settings that tenants may
    /// have of their own.
    void set_per_tenant(bool per_tenant) { per_tenant_ = per_tenant; }

    /// Names the module that reads what is declared from now on, until it is called again.
    void set_module(std::string_view module) { module_ = module; }

    [[nodiscard]] const std::vector<Option>& options() const { return options_; }
    [[nodiscard]] const Option* find_key(std::string_view key) const;
    [[nodiscard]] const Option* find_flag(std::string_view flag) const;

  private:
    void add(Option option);

    std::vector<Option> options_;
    bool per_tenant_ = false;
    std::string_view module_ = kProcess;
};

namespace detail {

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <class T>
consteval Type type_of() {
    if constexpr (std::same_as<T, bool>)
        return Type::boolean;
    else if constexpr (std::is_enum_v<T>)
        return Type::name;
    else if constexpr (std::signed_integral<T>)
        return Type::integer;
    else if constexpr (std::unsigned_integral<T>)
        return Type::unsigned_integer;
    else if constexpr (std::floating_point<T>)
        return Type::number;
    else if constexpr (is_duration<T>)
        return Type::duration;
    else if constexpr (std::same_as<T, std::string>)
        return Type::string;
    else
        return Type::list;
}

template <class T>
Value to_value(const T& field) {
    if constexpr (std::same_as<T, bool>)
        return field;
    else if constexpr (std::signed_integral<T>)
        return std::int64_t{field};
    else if constexpr (std::unsigned_integral<T>)
        return std::uint64_t{field};
    else if constexpr (std::floating_point<T>)
        return double{field};
    else if constexpr (is_duration<T>)
        return std::chrono::nanoseconds(field);
    else
        return field;
}

template <class T>
T from_value(const Value& value) {
    if constexpr (std::same_as<T, bool>)
        return std::get<bool>(value);
    else if constexpr (std::signed_integral<T>)
        return static_cast<T>(std::get<std::int64_t>(value));
    else if constexpr (std::unsigned_integral<T>)
        return static_cast<T>(std::get<std::uint64_t>(value));
    else if constexpr (std::floating_point<T>)
        return static_cast<T>(std::get<double>(value));
    else if constexpr (is_duration<T>)
        return std::chrono::duration_cast<T>(std::get<std::chrono::nanoseconds>(value));
    else
        return std::get<T>(value);
}

}  // namespace detail

template <class T>
void Declarer::option(T& field, OptionSpec<T> spec) {
    Option option{
        .key = std::string(spec.key),
        .flag = std::string(spec.flag),
        .help = spec.help,
        .category = spec.category,
        .type = spec.unit == Unit::bytes ? Type::bytes : detail::type_of<T>(),
        .secret = spec.secret,
        .restarts = spec.needs_process ? kProcess
                    : spec.reloadable  ? ""
                                       : module_,
        .per_tenant = per_tenant_,
    };
    if constexpr (std::is_enum_v<T>) {
        for (const auto& [name, value] : spec.names) option.names.push_back(name);
        option.load = [&field, names = spec.names]() -> Value {
            for (const auto& [name, value] : names) {
                if (value == field) return std::string(name);
            }
            return std::string();
        };
        option.store = [&field, names = spec.names](const Value& chosen) {
            for (const auto& [name, value] : names) {
                if (name == std::get<std::string>(chosen)) field = value;
            }
        };
    } else {
        if constexpr (std::integral<T> && !std::same_as<T, bool>) {
            option.min = detail::to_value(spec.min.value_or(std::numeric_limits<T>::min()));
            option.max = detail::to_value(spec.max.value_or(std::numeric_limits<T>::max()));
        } else {
            if constexpr (detail::is_duration<T>) option.min = std::chrono::nanoseconds(0);
            if (spec.min) option.min = detail::to_value(*spec.min);
            if (spec.max) option.max = detail::to_value(*spec.max);
        }
        option.load = [&field] { return detail::to_value(field); };
        option.store = [&field](const Value& value) { field = detail::from_value<T>(value); };
    }
    option.default_value = option.load();
    add(std::move(option));
}

}  // namespace mimir::config
