#pragma once

// Answers that are lists, in frames: parts of one message, cut between its elements.

#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "rpc/detail/query_result_fields.hpp"
#include "rpc/query_runner.hpp"
#include "wire/proto.hpp"

namespace mimir::rpc::detail {

/// Beside the elements, which are field 1.
inline constexpr std::uint32_t kTruncatedField = 2;

/// Threads: one at a time.
template <class T>
class ListWriter {
  public:
    using Encode = void (*)(std::span<const T>, std::string&);

    /// The elements outlive the writer.
    ListWriter(std::span<const T> elements, Encode encode, bool is_truncated = false)
        : elements_(elements), encode_(encode), is_truncated_(is_truncated) {}

    /// Replaces the frame's content by the next one's; it is empty after the last.
    void next(std::string& frame) {
        frame.clear();
        if (std::exchange(is_truncated_, false)) {
            wire::ProtoWriter(frame).uint64(kTruncatedField, 1);
        }
        while (done_ < elements_.size() && frame.size() < kAnswerFrameBytes) {
            encode_(elements_.subspan(done_++, 1), frame);
        }
    }
    [[nodiscard]] bool is_small() const { return elements_.size() <= kSmallElements; }

  private:
    static constexpr std::size_t kSmallElements = 256;

    const std::span<const T> elements_;
    const Encode encode_;
    bool is_truncated_;  // and the reader has yet to be told
    std::size_t done_ = 0;
};

/// Threads: one at a time.
template <class T>
class ListReader {
  public:
    using Answer = std::vector<T>;
    using Decode = Result<Answer> (*)(std::string_view);

    explicit ListReader(Decode decode) : decode_(decode) {}

    Result<void> add(std::string_view frame) {
        MIMIR_TRY(Answer some, decode_(frame));
        found_.insert(
            found_.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end())
        );
        return {};
    }
    Result<Answer> finish() { return std::move(found_); }

  private:
    const Decode decode_;
    Answer found_;
};

template <class T>
class SelectionReader {
  public:
    using Answer = Selection<T>;

    explicit SelectionReader(typename ListReader<T>::Decode decode) : list_(decode) {}

    Result<void> add(std::string_view frame) {
        wire::ProtoReader reader(frame);
        while (reader.next()) {
            if (reader.field() == kTruncatedField) truncated_ = reader.uint64() != 0;
        }
        return list_.add(frame);
    }
    Result<Answer> finish() {
        MIMIR_TRY(auto found, list_.finish());
        return Answer{.found = std::move(found), .truncated = truncated_};
    }

  private:
    ListReader<T> list_;
    bool truncated_ = false;
};

}  // namespace mimir::rpc::detail
