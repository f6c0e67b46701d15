#pragma once

// Messages that every call between processes may meet: docs/internal-protocol.md.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/result.hpp"

namespace mimir::wire {

/// What a process says of itself.
struct Hello {
    std::uint32_t protocol_min = 0;
    std::uint32_t protocol_max = 0;
    std::string cluster;
    std::string instance;
    /// Of the program: "1.2.3".
    std::string version;

    bool operator==(const Hello&) const = default;
};

void encode_hello(const Hello& hello, std::string& out);
/// Errors: corrupt.
Result<Hello> decode_hello(std::string_view message);

/// An Error as it came: its id is not yet one of this process.
struct ErrorMessage {
    ErrorKind kind = ErrorKind::internal;
    std::string id;
    std::string text;
};

void encode_error(const Error& error, std::string& out);
/// A kind that is unknown here is internal. Errors: corrupt.
Result<ErrorMessage> decode_error(std::string_view message);

}  // namespace mimir::wire
