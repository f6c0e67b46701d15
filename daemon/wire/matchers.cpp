#include "wire/matchers.hpp"

#include "wire/proto.hpp"

namespace mimir::wire {
namespace {

namespace matcher_field {
constexpr std::uint32_t kType = 1, kName = 2, kValue = 3;
}

static_assert(static_cast<int>(model::MatchType::equal) == 0, "LabelMatcher.Type EQ");
static_assert(static_cast<int>(model::MatchType::not_equal) == 1, "LabelMatcher.Type NEQ");
static_assert(static_cast<int>(model::MatchType::regex) == 2, "LabelMatcher.Type RE");
static_assert(static_cast<int>(model::MatchType::not_regex) == 3, "LabelMatcher.Type NRE");

}  // namespace

Result<model::Matcher> decode_matcher(std::string_view message) {
    std::uint64_t type = 0;
    std::string_view name;
    std::string_view value;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case matcher_field::kType: type = reader.uint64(); break;
            case matcher_field::kName: name = reader.bytes(); break;
            case matcher_field::kValue: value = reader.bytes(); break;
            default: break;
        }
    }
    if (!reader.ok() || type > 3) return fail(ErrorKind::invalid, "malformed matcher");
    return model::Matcher::create(static_cast<model::MatchType>(type), name, value);
}

void encode_matcher(const model::Matcher& matcher, std::string& out) {
    ProtoWriter writer(out);
    writer.uint64(matcher_field::kType, static_cast<std::uint64_t>(matcher.type()));
    writer.bytes(matcher_field::kName, matcher.name());
    writer.bytes(matcher_field::kValue, matcher.value());
}

}  // namespace mimir::wire
