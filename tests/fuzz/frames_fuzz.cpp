// Frames of an answer, fed in pieces of the size that the first byte says: they come out alike however they are cut.

#include "base/assert.hpp"
#include "rpc/detail/frames.hpp"

using namespace mimir;

namespace {

struct Outcome {
    std::vector<std::string> frames;
    bool failed = false;
    bool ended = false;

    bool operator==(const Outcome&) const = default;
};

Outcome parse(std::string_view bytes, std::size_t step) {
    rpc::detail::FrameParser parser(4096);
    Outcome outcome;
    for (std::size_t at = 0; at < bytes.size() && !outcome.failed; at += step) {
        parser.feed(bytes.substr(at, step));
        for (;;) {
            auto frame = parser.next();
            outcome.failed = !frame;
            if (!frame || !*frame) break;
            MIMIR_ASSERT(!(*frame)->empty(), "an empty frame would be taken for the end");
            outcome.frames.push_back(**frame);
        }
    }
    outcome.ended = parser.end().has_value();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = parse(bytes, bytes.size() + 1);
    MIMIR_ASSERT(parse(bytes, 1 + data[0] % 16) == whole, "where bytes are cut is of no matter");
    return 0;
}
