#include "api/json.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/nearest.hpp"
#include "base/rfc3339.hpp"

namespace mimir::api {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json encode(const T& value) {
    if constexpr (is_vector<T>) {
        Json list = Json::array();
        for (const auto& item : value) list.push_back(encode(item));
        return list;
    } else if constexpr (std::same_as<T, TimestampMs>) {
        return format_rfc3339(value);
    } else if constexpr (std::is_enum_v<T>) {
        return to_string(value);
    } else if constexpr (Described<T>) {
        Json object = Json::object();
        T::fields([&](std::string_view name, auto member, std::string_view) {
            const auto& field = value.*member;
            using Field = std::remove_cvref_t<decltype(field)>;
            if constexpr (is_optional<Field>) {
                if (field) object[std::string(name)] = encode(*field);
            } else {
                object[std::string(name)] = encode(field);
            }
        });
        return object;
    } else {
        return value;
    }
}

/// Reads one value; what is wrong is kept with the path to it.
class Decoder {
  public:
    explicit Decoder(Unknown unknown) : unknown_(unknown) {}

    template <class T>
    Result<void> decode(const Json& json, T& value, const std::string& path) {
        if constexpr (is_vector<T>) {
            return decode_list(json, value, path);
        } else if constexpr (is_optional<T>) {
            if (json.is_null()) return {};
            return decode(json, value.emplace(), path);
        } else if constexpr (std::same_as<T, TimestampMs>) {
            const auto time =
                json.is_string() ? parse_rfc3339(json.get_ref<const std::string&>()) : std::nullopt;
            if (!time) return want(path, "a time such as 2026-11-23T08:46:24.123Z", json);
            value = *time;
            return {};
        } else if constexpr (std::is_enum_v<T>) {
            return decode_name(json, value, path);
        } else if constexpr (Described<T>) {
            return decode_object(json, value, path);
        } else if constexpr (std::same_as<T, bool>) {
            if (!json.is_boolean()) return want(path, "true or false", json);
            value = json.get<bool>();
            return {};
        } else if constexpr (std::same_as<T, std::string>) {
            if (!json.is_string()) return want(path, "a string", json);
            value = json.get<std::string>();
            return {};
        } else {
            return decode_integer(json, value, path);
        }
    }

  private:
    template <class T>
    Result<void> decode_list(const Json& json, T& value, const std::string& path) {
        if (!json.is_array()) return want(path, "a list", json);
        for (const Json& item : json) {
            MIMIR_TRY(decode(item, value.emplace_back(), fmt::format("{}[{}]", path, value.size()))
            );
        }
        return {};
    }

    template <class T>
    Result<void> decode_name(const Json& json, T& value, const std::string& path) {
        constexpr auto kNames = enum_names(T{});
        if (json.is_string()) {
            for (std::size_t i = 0; i < kNames.size(); ++i) {
                if (json.get_ref<const std::string&>() != kNames[i]) continue;
                value = static_cast<T>(i);
                return {};
            }
        }
        return want(path, fmt::format("one of {}", fmt::join(kNames, ", ")), json);
    }

    template <class T>
    Result<void> decode_object(const Json& json, T& value, const std::string& path) {
        if (!json.is_object()) return want(path, "an object", json);
        Result<void> outcome;
        std::vector<std::string_view> known;
        T::fields([&](std::string_view name, auto member, std::string_view) {
            known.push_back(name);
            const auto at = json.find(std::string(name));
            if (at == json.end() || !outcome) return;
            outcome = decode(
                *at,
                value.*member,
                path.empty() ? std::string(name) : fmt::format("{}.{}", path, name)
            );
        });
        MIMIR_TRY(outcome);
        if (unknown_ == Unknown::ignore) return {};
        for (const auto& [name, member] : json.items()) {
            if (std::ranges::find(known, name) != known.end()) continue;
            return fail(
                ErrorKind::invalid,
                "there is no member \"{}\" in {}{}",
                name,
                T::kSchema,
                did_you_mean(name, known)
            );
        }
        return {};
    }

    template <std::integral T>
    Result<void> decode_integer(const Json& json, T& value, const std::string& path) {
        using Limits = std::numeric_limits<T>;
        const bool fits =
            json.is_number_unsigned()
                ? json.get<std::uint64_t>() <= static_cast<std::uint64_t>(Limits::max())
                : json.is_number_integer() &&
                      std::cmp_greater_equal(json.get<std::int64_t>(), Limits::min());
        if (!fits) {
            return want(
                path,
                fmt::format("a whole number from {} to {}", Limits::min(), Limits::max()),
                json
            );
        }
        value = json.get<T>();
        return {};
    }

    static Result<void> want(const std::string& path, std::string_view expected, const Json& got) {
        return fail(
            ErrorKind::invalid,
            "{}: want {}, not {}",
            path.empty() ? "the body" : path,
            expected,
            got.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80)
        );
    }

    const Unknown unknown_;
};

/// Whether lists and objects are nested deeper than that, in text that may be no JSON at all. The library takes a frame
/// of the stack for each level when it prints or drops a value.
bool is_nested_deeper(std::string_view text, std::size_t levels) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string && c == '\\') {
            ++i;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '[' || c == '{')) {
            if (++depth > levels) return true;
        } else if (!in_string && (c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

}  // namespace

template <class T>
std::string to_json(const T& value, int indent) {
    return encode(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

template <class T>
Result<T> from_json(std::string_view text, Unknown unknown) {
    constexpr std::size_t kLevelsMax = 64;  // the deepest of our types has five
    if (is_nested_deeper(text, kLevelsMax)) {
        return fail(ErrorKind::invalid, "nested deeper than {} levels", kLevelsMax);
    }
    Json json;
    try {
        json = Json::parse(text);
    } catch (const Json::exception& error) {
        return fail(ErrorKind::invalid, "not JSON: {}", error.what());
    }
    T value{};
    MIMIR_TRY(Decoder(unknown).decode(json, value, ""));
    return value;
}

// Every type that crosses the wire, alone and as a list.
#define MIMIR_API_JSON(T)                                                     \
    template std::string to_json<T>(const T&, int);                           \
    template std::string to_json<std::vector<T>>(const std::vector<T>&, int); \
    template Result<T> from_json<T>(std::string_view, Unknown);               \
    template Result<std::vector<T>> from_json<std::vector<T>>(std::string_view, Unknown);

MIMIR_API_JSON(ApiVersion)
MIMIR_API_JSON(Status)
MIMIR_API_JSON(Module)
MIMIR_API_JSON(Target)
MIMIR_API_JSON(TargetView)
MIMIR_API_JSON(Step)
MIMIR_API_JSON(Operation)
MIMIR_API_JSON(ChangeRequest)
MIMIR_API_JSON(TargetRequest)
MIMIR_API_JSON(ChangeResult)
MIMIR_API_JSON(Event)
MIMIR_API_JSON(AuditEntry)
MIMIR_API_JSON(ConfigView)
MIMIR_API_JSON(ConfigCheckRequest)
MIMIR_API_JSON(ConfigFindings)
MIMIR_API_JSON(ConfigDifference)
MIMIR_API_JSON(ConfigDiff)
MIMIR_API_JSON(LogLevel)
MIMIR_API_JSON(RingMember)
MIMIR_API_JSON(Ring)
MIMIR_API_JSON(ForgetRequest)
MIMIR_API_JSON(MigrationRequest)
MIMIR_API_JSON(MigrationReport)
MIMIR_API_JSON(Process)
MIMIR_API_JSON(DoctorCheck)
MIMIR_API_JSON(Problem)
MIMIR_API_JSON(Message)

}  // namespace mimir::api
