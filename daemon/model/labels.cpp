#include "model/labels.hpp"

#define XXH_INLINE_ALL  // every sample is hashed: the call and the seeding are worth saving
#include <xxhash.h>

#include <algorithm>
#include <array>

#include "base/random.hpp"

namespace mimir::model {
namespace {

/// Random bytes in place of a seed, from which XXH3 would make such bytes anew for each long input.
struct HashSecret {
    HashSecret() {
        SeededRandom random(random_seed());
        for (auto& word : words) word = random.next();
    }
    std::array<std::uint64_t, XXH3_SECRET_DEFAULT_SIZE / sizeof(std::uint64_t)> words;
};

std::size_t length_bytes(std::size_t value) {
    std::size_t bytes = 1;
    while (value >= 0x80) {
        value >>= 7;
        ++bytes;
    }
    return bytes;
}

char* store_length(char* at, std::size_t value) {
    while (value >= 0x80) {
        *at++ = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    *at++ = static_cast<char>(value);
    return at;
}

void append_quoted(std::string& out, std::string_view value) {
    out.push_back('"');
    for (const char c : value) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            default: out.push_back(c);
        }
    }
    out.push_back('"');
}

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

}  // namespace

std::size_t LabelsView::count() const {
    return static_cast<std::size_t>(std::distance(begin(), end()));
}

std::string_view LabelsView::get(std::string_view name) const {
    for (const Label label : *this) {
        if (label.name == name) return label.value;
        if (label.name > name) break;
    }
    return {};
}

LabelsHash LabelsView::hash() const {
    static const HashSecret secret;
    const XXH128_hash_t hash = XXH3_128bits_withSecret(
        bytes_.data(), bytes_.size(), secret.words.data(), sizeof(secret.words)
    );
    return {.low = hash.low64, .high = hash.high64};
}

std::string LabelsView::to_string() const {
    std::string out;
    std::string inner;
    for (const Label label : *this) {
        if (label.name == kMetricName && is_legacy_metric_name(label.value)) {
            out = label.value;
            continue;
        }
        if (!inner.empty()) inner += ", ";
        if (is_legacy_label_name(label.name)) {
            inner += label.name;
        } else {
            append_quoted(inner, label.name);
        }
        inner.push_back('=');
        append_quoted(inner, label.value);
    }
    if (!inner.empty() || out.empty()) out += "{" + inner + "}";
    return out;
}

std::strong_ordering LabelsView::operator<=>(const LabelsView& other) const {
    auto a = begin();
    auto b = other.begin();
    for (; a != end() && b != other.end(); ++a, ++b) {
        if (const auto order = *a <=> *b; order != 0) return order;
    }
    if (a != end()) return std::strong_ordering::greater;
    return b != other.end() ? std::strong_ordering::less : std::strong_ordering::equal;
}

Labels::Labels(std::initializer_list<Label> labels) {
    LabelsBuilder builder;
    for (const Label label : labels) builder.set(label.name, label.value);
    *this = builder.build();
}

void LabelsBuilder::reset(LabelsView base) { labels_.assign(base.begin(), base.end()); }

LabelsBuilder& LabelsBuilder::set(std::string_view name, std::string_view value) {
    const auto at = std::lower_bound(
        labels_.begin(),
        labels_.end(),
        name,
        [](const Label& label, std::string_view wanted) { return label.name < wanted; }
    );
    const bool present = at != labels_.end() && at->name == name;
    if (present && value.empty()) {
        labels_.erase(at);
    } else if (present) {
        at->value = value;
    } else if (!value.empty()) {
        labels_.insert(at, {name, value});
    }
    return *this;
}

LabelsBuilder& LabelsBuilder::keep(const std::vector<std::string>& names) {
    std::erase_if(labels_, [&](const Label& label) {
        return std::find(names.begin(), names.end(), label.name) == names.end();
    });
    return *this;
}

std::string_view LabelsBuilder::get(std::string_view name) const {
    for (const Label& label : labels_) {
        if (label.name == name) return label.value;
    }
    return {};
}

Labels LabelsBuilder::build() const {
    Labels built;
    for (const Label& label : labels_) append_label(built.bytes_, label);
    return built;
}

void append_label(std::string& bytes, Label label) {
    const std::size_t inner = 1 + length_bytes(label.name.size()) + label.name.size() + 1 +
                              length_bytes(label.value.size()) + label.value.size();
    const std::size_t begin = bytes.size();
    bytes.resize(begin + 1 + length_bytes(inner) + inner);
    char* at = bytes.data() + begin;
    *at++ = '\x0A';
    at = store_length(at, inner);
    *at++ = '\x0A';
    at = store_length(at, label.name.size());
    at = std::copy(label.name.begin(), label.name.end(), at);
    *at++ = '\x12';
    at = store_length(at, label.value.size());
    std::copy(label.value.begin(), label.value.end(), at);
}

bool is_legacy_label_name(std::string_view name) {
    if (name.empty() || !is_name_start(name.front())) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return is_name_start(c) || (c >= '0' && c <= '9');
    });
}

bool is_legacy_metric_name(std::string_view name) {
    if (name.empty() || !(is_name_start(name.front()) || name.front() == ':')) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return is_name_start(c) || c == ':' || (c >= '0' && c <= '9');
    });
}

bool is_valid_utf8(std::string_view text) {
    // Well-formed sequences as in table 3-7 of the Unicode standard: no overlong forms, no surrogates, at most U+10FFFF.
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = at + text.size();
    const auto continues = [&](std::ptrdiff_t offset) {
        return at + offset < end && (at[offset] & 0xC0) == 0x80;
    };
    while (at < end) {
        const unsigned char lead = *at;
        if (lead < 0x80) {
            at += 1;
        } else if (lead >= 0xC2 && lead <= 0xDF) {
            if (!continues(1)) return false;
            at += 2;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            if (!continues(1) || !continues(2)) return false;
            if (lead == 0xE0 && at[1] < 0xA0) return false;
            if (lead == 0xED && at[1] > 0x9F) return false;
            at += 3;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            if (!continues(1) || !continues(2) || !continues(3)) return false;
            if (lead == 0xF0 && at[1] < 0x90) return false;
            if (lead == 0xF4 && at[1] > 0x8F) return false;
            at += 4;
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace mimir::model
