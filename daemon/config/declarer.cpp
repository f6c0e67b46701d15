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

/// What is wrong with a value of the right type; empty when nothing is.
std::string violation(const Option& option, const Value& value) {
    if (option.type == Type::name &&
        std::ranges::find(option.names, std::get<std::string>(value)) == option.names.end()) {
        return fmt::format("expected one of {}", fmt::join(option.names, ", "));
    }
    if (option.min && value < *option.min) {
        return fmt::format("must be at least {}", format_value(*option.min));
    }
    if (option.max && value > *option.max) {
        return fmt::format("must be at most {}", format_value(*option.max));
    }
    return {};
}

/// The error for a value as it was written; a secret is not repeated.
tl::unexpected<Error> refuse(const Option& option, std::string_view why, std::string_view text) {
    if (option.secret) return fail(ErrorKind::invalid, "{}", why);
    return fail(
        ErrorKind::invalid, "{}, not \"{}\"{}", why, text, did_you_mean(text, option.names)
    );
}

}  // namespace

Result<void> Option::set(std::string_view text) const {
    const auto value = parse_value(type, text);
    if (!value) return refuse(*this, value.error().message, text);
    if (const std::string why = violation(*this, *value); !why.empty())
        return refuse(*this, why, text);
    store(*value);
    return {};
}

Result<void> Option::set(std::vector<std::string> items) const {
    if (type != Type::list)
        return fail(ErrorKind::invalid, "expected a {}, not a list", to_string(type));
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
