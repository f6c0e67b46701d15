#include "config/declarer.hpp"

#include <algorithm>

#include "base/nearest.hpp"

namespace mimir::config {
namespace {

std::string flag_of(std::string_view key) {
    std::string flag(key);
    std::ranges::replace(flag, '_', '-');
    return flag;
}

/// Bounds and names; for values that already have the option's type.
Result<void> check(const Option& option, const Value& value) {
    if (option.type == Type::name) {
        const auto& name = std::get<std::string>(value);
        if (std::ranges::find(option.names, name) != option.names.end()) return {};
        return fail(
            ErrorKind::invalid,
            "expected one of {}{}",
            fmt::join(option.names, ", "),
            did_you_mean(name, option.names)
        );
    }
    if (option.min && value < *option.min) {
        return fail(ErrorKind::invalid, "must be at least {}", format_value(*option.min));
    }
    if (option.max && value > *option.max) {
        return fail(ErrorKind::invalid, "must be at most {}", format_value(*option.max));
    }
    return {};
}

}  // namespace

Result<void> Option::set(std::string_view text) const {
    MIMIR_TRY(const Value value, parse_value(type, text));
    MIMIR_TRY(check(*this, value));
    store(value);
    return {};
}

Result<void> Option::set(std::vector<std::string> items) const {
    if (type != Type::list)
        return fail(ErrorKind::invalid, "expected one {}, not a list", to_string(type));
    store(Value(std::move(items)));
    return {};
}

const Option* Declarer::find_key(std::string_view key) const {
    const auto at = std::ranges::find(options_, key, &Option::key);
    return at == options_.end() || key.empty() ? nullptr : &*at;
}

const Option* Declarer::find_flag(std::string_view flag) const {
    const auto at = std::ranges::find(options_, flag, &Option::flag);
    return at == options_.end() ? nullptr : &*at;
}

void Declarer::add(Option option) {
    if (option.flag.empty()) option.flag = flag_of(option.key);
    MIMIR_ASSERT(!option.flag.empty(), "an option has a key or a flag");
    MIMIR_ASSERT(find_key(option.key) == nullptr, "a key is declared once");
    MIMIR_ASSERT(find_flag(option.flag) == nullptr, "a flag is declared once");
    options_.push_back(std::move(option));
}

}  // namespace mimir::config
