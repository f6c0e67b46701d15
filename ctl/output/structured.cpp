#include "ctl/output/structured.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

#include "ctl/output/detail/parse.hpp"
#include "ctl/output/table.hpp"

namespace mimir::ctl {

namespace detail {

Result<Json> parse(std::string_view text) {
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) return fail(ErrorKind::invalid, "the answer is not JSON");
    return json;
}

std::string dump(const Json& json, int indent) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace detail

namespace {

using detail::Json;

std::string name_of(const Json& item, std::string_view key) {
    const Json* value = &item;
    if (item.is_object()) {
        const auto member = item.find(std::string(key));
        if (member == item.end()) return "-";
        value = &*member;
    }
    return sanitized(value->is_string() ? value->get<std::string>() : detail::dump(*value));
}

}  // namespace

Result<void> write_json(std::ostream& out, std::string_view json) {
    MIMIR_TRY(const Json value, detail::parse(json));
    out << detail::dump(value, 2) << '\n';
    return {};
}

Result<void> write_jsonl(std::ostream& out, std::string_view json) {
    MIMIR_TRY(const Json value, detail::parse(json));
    if (!value.is_array()) {
        out << detail::dump(value) << '\n';
        return {};
    }
    for (const Json& item : value) out << detail::dump(item) << '\n';
    return {};
}

Result<void> write_names(std::ostream& out, std::string_view json, std::string_view key) {
    MIMIR_TRY(const Json value, detail::parse(json));
    if (!value.is_array()) {
        out << name_of(value, key) << '\n';
        return {};
    }
    for (const Json& item : value) out << name_of(item, key) << '\n';
    return {};
}

Result<std::string> with_member(
    std::string_view object, std::string_view name, std::string_view value
) {
    MIMIR_TRY(Json whole, detail::parse(object));
    if (!whole.is_object()) return fail(ErrorKind::invalid, "the answer is not an object");
    MIMIR_TRY(whole[std::string(name)], detail::parse(value));
    return detail::dump(whole);
}

Result<std::string> member_of(std::string_view object, std::string_view name) {
    MIMIR_TRY(const Json whole, detail::parse(object));
    const auto member = whole.find(std::string(name));
    return member == whole.end() ? std::string("null") : detail::dump(*member);
}

Result<std::string> element_of(std::string_view list, std::size_t index) {
    MIMIR_TRY(const Json whole, detail::parse(list));
    if (!whole.is_array() || index >= whole.size())
        return fail(ErrorKind::invalid, "the answer is too short a list");
    return detail::dump(whole[index]);
}

Result<std::string> joined(std::string_view list, std::string_view other) {
    MIMIR_TRY(Json whole, detail::parse(list));
    MIMIR_TRY(const Json more, detail::parse(other));
    if (!whole.is_array() || !more.is_array())
        return fail(ErrorKind::invalid, "the answer is not a list");
    for (const Json& item : more) whole.push_back(item);
    return detail::dump(whole);
}

}  // namespace mimir::ctl
