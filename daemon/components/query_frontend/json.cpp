#include "components/query_frontend/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <span>

#include "model/histogram_buckets.hpp"

namespace mimir::query_frontend {
namespace {

constexpr double kExactIntegers = 9007199254740992;  // 2^53
constexpr double kExponentBelow = 1e-6;
constexpr double kExponentFrom = 1e21;
// Of one point, [time,"value"] and a comma: 24 characters of time and 26 of value (1e20 and
// -0.000001234567890123456).
constexpr std::size_t kPointBytesMax = 64;
constexpr std::size_t kPlainValueBytesMax = 1100;  // 308 digits, or 0. and 324 + 17 digits

// The char* functions write where the caller has made room, and return the end.

char* write_digits(char* to, double magnitude, std::chars_format format) {
    return std::to_chars(to, to + kPlainValueBytesMax, magnitude, format).ptr;
}

/// A large integer with the shortest digits, zeros after them. (std::to_chars would write all
/// digits, as printf does.)
char* write_large(char* to, double magnitude) {
    char scientific[32];
    char* const end = write_digits(scientific, magnitude, std::chars_format::scientific);
    char* const mark = std::find(scientific, end, 'e');
    int exponent = 0;
    std::from_chars(mark + 2, end, exponent);
    char* const first = to;
    for (const char* at = scientific; at != mark; ++at) {
        if (*at != '.') *to++ = *at;
    }
    while (to - first <= exponent) *to++ = '0';
    return to;
}

enum class Exponents { allowed, never };

char* write_value(char* to, double value, Exponents exponents) {
    if (std::isnan(value)) return static_cast<char*>(std::memcpy(to, "NaN", 3)) + 3;
    const double magnitude = std::abs(value);
    if (std::isinf(value)) {
        return static_cast<char*>(std::memcpy(to, value > 0 ? "+Inf" : "-Inf", 4)) + 4;
    }
    if (std::signbit(value)) *to++ = '-';
    if (magnitude < kExactIntegers) {
        const auto whole = static_cast<std::int64_t>(magnitude);
        if (static_cast<double>(whole) == magnitude) return std::to_chars(to, to + 20, whole).ptr;
    }
    if (exponents == Exponents::allowed &&
        (magnitude < kExponentBelow || magnitude >= kExponentFrom)) {
        return write_digits(to, magnitude, std::chars_format::scientific);
    }
    if (magnitude >= kExactIntegers) return write_large(to, magnitude);
    return write_digits(to, magnitude, std::chars_format::fixed);
}

char* write_timestamp(char* to, TimestampMs time) {
    std::uint64_t ms = static_cast<std::uint64_t>(time.ms);
    if (time.ms < 0) {
        *to++ = '-';
        ms = 0 - ms;
    }
    to = std::to_chars(to, to + 20, ms / 1000).ptr;
    if (const auto rest = static_cast<unsigned>(ms % 1000); rest != 0) {
        *to++ = '.';
        *to++ = static_cast<char>('0' + rest / 100);
        *to++ = static_cast<char>('0' + rest / 10 % 10);
        *to++ = static_cast<char>('0' + rest % 10);
    }
    return to;
}

/// [time,"value"]
char* write_point(char* to, TimestampMs time, double value) {
    *to++ = '[';
    to = write_timestamp(to, time);
    *to++ = ',';
    *to++ = '"';
    to = write_value(to, value, Exponents::allowed);
    *to++ = '"';
    *to++ = ']';
    return to;
}

void append_points(std::string& out, std::span<const promql::FloatPoint> points) {
    char buffer[16 * 1024];
    char* to = buffer;
    for (const promql::FloatPoint& point : points) {
        if (to > buffer + sizeof(buffer) - kPointBytesMax) {
            out.append(buffer, to);
            to = buffer;
        }
        if (&point != points.data()) *to++ = ',';
        to = write_point(to, point.time, point.value);
    }
    out.append(buffer, to);
}

void append_histogram_point(
    std::string& out, TimestampMs time, const model::FloatHistogram& histogram
) {
    out.push_back('[');
    append_timestamp(out, time);
    out.push_back(',');
    append_histogram(out, histogram);
    out.push_back(']');
}

/// [time,"..."], where the time is an ordinary JSON number.
void append_scalar_time(std::string& out, TimestampMs time) {
    out.push_back('[');
    append_value(out, static_cast<double>(time.ms) / 1000);
    out.push_back(',');
}

void append_element(std::string& out, const promql::VectorSample& sample) {
    out += "{\"metric\":";
    append_labels(out, sample.labels);
    if (sample.histogram) {
        out += ",\"histogram\":";
        append_histogram_point(out, sample.time, *sample.histogram);
    } else {
        char buffer[kPointBytesMax];
        out += ",\"value\":";
        out.append(buffer, write_point(buffer, sample.time, sample.value));
    }
    out.push_back('}');
}

void append_element(std::string& out, const promql::MatrixSeries& series) {
    out += "{\"metric\":";
    append_labels(out, series.labels);
    if (!series.floats.empty()) {
        out += ",\"values\":[";
        append_points(out, series.floats);
        out.push_back(']');
    }
    if (!series.histograms.empty()) {
        out += ",\"histograms\":[";
        for (const promql::HistogramPoint& point : series.histograms) {
            if (&point != series.histograms.data()) out.push_back(',');
            append_histogram_point(out, point.time, *point.value);
        }
        out.push_back(']');
    }
    out.push_back('}');
}

template <class Element>
bool append_elements(
    std::string& out, std::string_view type, const std::vector<Element>& elements, std::size_t limit
) {
    out += "\"resultType\":\"";
    out += type;
    out += "\",\"result\":[";
    const bool truncated = limit != 0 && elements.size() > limit;
    for (const Element& element : std::span(elements).first(truncated ? limit : elements.size())) {
        if (&element != elements.data()) out.push_back(',');
        append_element(out, element);
    }
    out.push_back(']');
    return truncated;
}

struct ResultWriter {
    std::string& out;
    std::size_t limit;

    bool operator()(const promql::Scalar& scalar) const {
        out += "\"resultType\":\"scalar\",\"result\":";
        append_scalar_time(out, scalar.time);
        out.push_back('"');
        append_plain_value(out, scalar.value);
        out += "\"]";
        return false;
    }
    bool operator()(const promql::String& string) const {
        out += "\"resultType\":\"string\",\"result\":";
        append_scalar_time(out, string.time);
        append_string(out, string.value, Escape::html);
        out.push_back(']');
        return false;
    }
    bool operator()(const promql::Vector& vector) const {
        return append_elements(out, "vector", vector, limit);
    }
    bool operator()(const promql::Matrix& matrix) const {
        return append_elements(out, "matrix", matrix, limit);
    }
};

/// Which bounds belong to a bucket, as the HTTP API numbers it.
char boundary_rule(const model::Bucket& bucket) {
    if (bucket.lower_inclusive) return bucket.upper_inclusive ? '3' : '1';
    return bucket.upper_inclusive ? '0' : '2';
}

/// Bytes of the UTF-8 sequence at the start of the text; 0 when there is none.
std::size_t sequence_bytes(std::string_view text) {
    for (std::size_t bytes = 2; bytes <= 4 && bytes <= text.size(); ++bytes) {
        if (model::is_valid_utf8(text.substr(0, bytes))) return bytes;
    }
    return 0;
}

void append_unicode_escape(std::string& out, unsigned code) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[code >> shift & 0xF]);
}

bool is_plain(char c, Escape escape) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x80 || c == '"' || c == '\\') return false;
    return escape == Escape::json || (c != '<' && c != '>' && c != '&');
}

/// Appends what stands at the start of the text and is not plain; returns its size.
std::size_t append_special(std::string& out, std::string_view text, Escape escape) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte < 0x80) {
        switch (byte) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default: append_unicode_escape(out, byte);
        }
        return 1;
    }
    const std::size_t bytes = sequence_bytes(text);
    if (bytes == 0) {
        out += "\xEF\xBF\xBD";
        return 1;
    }
    const std::string_view sequence = text.substr(0, bytes);
    if (escape == Escape::html && (sequence == "\xE2\x80\xA8" || sequence == "\xE2\x80\xA9")) {
        append_unicode_escape(out, sequence.back() == '\xA8' ? 0x2028 : 0x2029);
    } else {
        out += sequence;
    }
    return bytes;
}

}  // namespace

void append_value(std::string& out, double value) {
    char buffer[kPointBytesMax];
    out.append(buffer, write_value(buffer, value, Exponents::allowed));
}

void append_plain_value(std::string& out, double value) {
    char buffer[kPlainValueBytesMax];
    out.append(buffer, write_value(buffer, value, Exponents::never));
}

void append_timestamp(std::string& out, TimestampMs time) {
    char buffer[kPointBytesMax];
    out.append(buffer, write_timestamp(buffer, time));
}

void append_string(std::string& out, std::string_view text, Escape escape) {
    out.push_back('"');
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && is_plain(text[plain], escape)) ++plain;
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (!text.empty()) text.remove_prefix(append_special(out, text, escape));
    }
    out.push_back('"');
}

void append_labels(std::string& out, model::LabelsView labels) {
    char separator = '{';
    for (const model::Label label : labels) {
        out.push_back(separator);
        separator = ',';
        append_string(out, label.name);
        out.push_back(':');
        append_string(out, label.value);
    }
    if (separator == '{') out.push_back('{');
    out.push_back('}');
}

void append_histogram(std::string& out, const model::FloatHistogram& histogram) {
    const auto quoted = [&](double value) {
        out.push_back('"');
        append_value(out, value);
        out.push_back('"');
    };
    out += "{\"count\":";
    quoted(histogram.count);
    out += ",\"sum\":";
    quoted(histogram.sum);
    std::string_view separator = ",\"buckets\":[";
    for (model::BucketCursor cursor(histogram, model::BucketOrder::ascending); cursor.next();) {
        const model::Bucket& bucket = cursor.bucket();
        if (bucket.count == 0) continue;
        out += separator;
        separator = ",";
        out.push_back('[');
        out.push_back(boundary_rule(bucket));
        out.push_back(',');
        quoted(bucket.lower);
        out.push_back(',');
        quoted(bucket.upper);
        out.push_back(',');
        quoted(bucket.count);
        out.push_back(']');
    }
    if (separator == ",") out.push_back(']');
    out.push_back('}');
}

bool append_result(std::string& out, const promql::QueryResult& result, std::size_t limit) {
    return std::visit(ResultWriter{out, limit}, result.value);
}

}  // namespace mimir::query_frontend
