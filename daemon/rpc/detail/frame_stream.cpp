#include "rpc/detail/frame_stream.hpp"

// Invariants:
//
//   - While `reading`, one coroutine runs read_ahead(): it alone touches source and parser. It stops when
//     enough has been read ahead, and at the end.
//   - Whoever finds less than half of that left starts it again.
//   - `end` is set once; then nothing is added to `frames`, and what is in there is still handed out.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/assert.hpp"
#include "base/turn.hpp"
#include "rpc/detail/protocol.hpp"
#include "runtime/bell.hpp"
#include "runtime/executors.hpp"

namespace mimir::rpc::detail {
namespace {

/// Some frames of a selection: what a reader decodes in a few milliseconds.
constexpr std::size_t kReadAheadBytes = 1 << 20;
/// Only cancellation ends the wait for a frame.
constexpr auto kLongTime = std::chrono::hours(1);

struct Core : std::enable_shared_from_this<Core> {
    Core(std::unique_ptr<http::ClientStream> response, FrameStreamOptions o)
        : options(std::move(o)),
          executor(response->executor()),
          source(std::move(response)),
          parser(options.frame_bytes_limit) {}

    FrameStreamOptions options;
    const asio::any_io_executor executor;

    // The reading coroutine's.
    std::unique_ptr<http::ClientStream> source;
    FrameParser parser;
    Done<std::unique_ptr<FrameStream>> opened;

    std::mutex mutex;
    std::condition_variable news;
    runtime::Bell bell;
    std::deque<Frame> frames;
    std::size_t bytes = 0;  // of frames
    std::optional<Result<void>> end;
    bool reading = false;
    bool abandoned = false;

    void start();
    asio::awaitable<void> read_ahead();
    asio::awaitable<Result<bool>> read_piece();
    [[nodiscard]] bool pauses();
    void add(Frame frame);
    void finish(Result<void> how);
    void tell_opened();
    /// A frame if there is one, else how it ended, else nothing.
    std::optional<Result<Frame>> poll(std::unique_lock<std::mutex>& lock);
};

class ReadAheadStream final : public FrameStream {
  public:
    explicit ReadAheadStream(std::shared_ptr<Core> core) : core_(std::move(core)) {}
    ~ReadAheadStream() override {
        core_->options.token.cancel();
        std::unique_lock lock(core_->mutex);
        core_->abandoned = true;
        core_->frames.clear();
        core_->bytes = 0;
        // On the event loop the connection is closed and the end is told.
        if (!core_->reading && !core_->end) core_->start();
    }

    asio::awaitable<Result<std::string_view>> next() override {
        for (;;) {
            const std::uint64_t seen = core_->bell.rings();
            std::unique_lock lock(core_->mutex);
            auto polled = core_->poll(lock);
            lock.unlock();
            if (polled) co_return keep(*std::move(polled));
            co_await core_->bell.wait(seen, kLongTime);
        }
    }
    Result<std::string_view> wait_next() override { return keep(wait_take()); }
    Result<Frame> wait_take() override {
        MIMIR_ASSERT(!runtime::on_io_thread(), "frames come over this loop");
        {
            std::unique_lock lock(core_->mutex);
            if (auto polled = core_->poll(lock)) return *std::move(polled);
        }
        const Turn::Away away;
        std::unique_lock lock(core_->mutex);
        for (;;) {
            if (auto polled = core_->poll(lock)) return *std::move(polled);
            core_->news.wait(lock);
        }
    }

    [[nodiscard]] asio::any_io_executor executor() const override { return core_->executor; }

  private:
    Result<std::string_view> keep(Result<Frame> frame) {
        MIMIR_TRY(current_, std::move(frame));
        return current_ ? std::string_view(*current_) : std::string_view();
    }

    const std::shared_ptr<Core> core_;
    Frame current_;
};

/// With the lock held: so nothing of it runs before this returns.
void Core::start() {
    reading = true;
    asio::post(executor, [core = shared_from_this()] {
        auto on_end = [core](const std::exception_ptr& error) {
            MIMIR_ASSERT(error == nullptr, "coroutines return their errors");
        };
        asio::co_spawn(core->executor, core->read_ahead(), std::move(on_end));
    });
}

asio::awaitable<void> Core::read_ahead() {
    while (!pauses()) {
        auto more = co_await read_piece();
        if (more && *more) continue;
        Result<void> how = more ? *parser.end() : tl::unexpected(std::move(more).error());
        if (!how) how = tl::unexpected(options.explain(std::move(how).error()));
        finish(std::move(how));
    }
}

/// Whether reading stops now, at the end for ever.
bool Core::pauses() {
    {
        const std::lock_guard lock(mutex);
        if (!end && !abandoned && bytes < kReadAheadBytes) return false;
        if (end || !abandoned) {
            reading = false;
            return true;
        }
    }
    finish(fail(ErrorKind::canceled, "the reader of the answer went away"));
    const std::lock_guard lock(mutex);
    reading = false;
    return true;
}

/// False at the end of the answer, which is only where its last frame says so.
asio::awaitable<Result<bool>> Core::read_piece() {
    auto piece = co_await source->read();
    if (!piece) {
        co_return tl::unexpected(connection_error(piece.error().with_context(options.address)));
    }
    if (piece->empty()) {
        if (parser.end()) co_return false;
        co_return fail_with_id(
            ErrorKind::unavailable,
            kPeerUnreachable,
            "{}: the answer broke off before its end",
            options.address
        );
    }
    parser.feed(*piece);
    for (;;) {
        MIMIR_CO_TRY(Frame frame, parser.next());
        if (!frame) break;
        add(std::move(frame));
    }
    co_return true;
}

void Core::add(Frame frame) {
    {
        const std::lock_guard lock(mutex);
        if (abandoned) return;
        bytes += frame->size();
        frames.push_back(std::move(frame));
        news.notify_all();
    }
    bell.ring();
    tell_opened();
}

void Core::finish(Result<void> how) {
    source.reset();
    {
        const std::lock_guard lock(mutex);
        end = how;
        news.notify_all();
    }
    bell.ring();
    options.on_end(how);
    tell_opened();
}

void Core::tell_opened() {
    if (!opened) return;
    const auto tell = std::exchange(opened, nullptr);
    std::unique_lock lock(mutex);
    const bool failed = frames.empty() && end && !*end;
    lock.unlock();
    if (failed) {
        tell(tl::unexpected(end->error()));
    } else {
        tell(std::make_unique<ReadAheadStream>(shared_from_this()));
    }
}

std::optional<Result<Frame>> Core::poll(std::unique_lock<std::mutex>& /*held*/) {
    if (!frames.empty()) {
        Frame frame = std::move(frames.front());
        frames.pop_front();
        bytes -= frame->size();
        if (!reading && !end && bytes < kReadAheadBytes / 2) start();
        return Result<Frame>(std::move(frame));
    }
    if (!end) return std::nullopt;
    if (!*end) return Result<Frame>(tl::unexpected(end->error()));
    return Result<Frame>(nullptr);
}

}  // namespace

void open_frames(
    std::unique_ptr<http::ClientStream> response,
    FrameStreamOptions options,
    Done<std::unique_ptr<FrameStream>> opened
) {
    const auto core = std::make_shared<Core>(std::move(response), std::move(options));
    core->opened = std::move(opened);
    const std::lock_guard lock(core->mutex);
    core->start();
}

}  // namespace mimir::rpc::detail
