#include "base/troff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace mimir::troff {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool begins_line = out.empty() || out.back() == '\n';
        if (begins_line && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else {
            out += c;
        }
    }
    return out;
}

std::string prose(std::string_view text) {
    std::string out;
    bool is_code = false;
    while (!text.empty()) {
        const std::size_t tick = std::min(text.find('`'), text.size());
        out += escaped(text.substr(0, tick));
        if (tick < text.size()) out += is_code ? "\\fR" : "\\fB";
        if (tick < text.size()) is_code = !is_code;
        text.remove_prefix(std::min(text.size(), tick + 1));
    }
    return out;
}

std::string heading(const Heading& heading) {
    std::string upper(heading.name);
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    std::string_view whole = heading.summary;
    if (whole.ends_with('.')) whole.remove_suffix(1);
    return fmt::format(
        ".TH \"{}\" {} \"\" \"mimird {}\" \"mimird\"\n.SH NAME\n{} \\- {}\n",
        escaped(upper),
        heading.section,
        heading.version,
        escaped(heading.name),
        prose(whole)
    );
}

std::string tagged(std::string_view term, std::string_view text) {
    return fmt::format(".TP\n\\fB{}\\fR\n{}\n", escaped(term), prose(text));
}

}  // namespace mimir::troff
