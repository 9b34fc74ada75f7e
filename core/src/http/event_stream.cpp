#include "http/event_stream.hpp"

#include "http/problem.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace opslab {

namespace {

constexpr int kFirstPage = 16;
constexpr int kMaxPage = 256;
constexpr std::size_t kLongPage = std::size_t{256} * 1024;

SharedBytes comment(const char* text) {
    return std::make_shared<const std::string>(text);
}

}  // namespace

EventStream::EventStream(
    TaskService& tasks,
    Clock& clock,
    std::shared_ptr<FollowedTask> task,
    TaskStatus status,
    std::int64_t after
)
    : tasks_(tasks),
      clock_(clock),
      task_(std::move(task)),
      ended_before_(is_terminal(status)),
      seq_(after),
      page_(kFirstPage),
      last_sent_(clock.steady()) {
    // sends the head at once, also where there is nothing to replay
    pending_.add(comment(": events of one task\n\n"));
}

void EventStream::start(StreamWaker waker) {
    subscription_ = tasks_.changes().on_task_changed(task_->id(), [waker] { waker.wake(); });
}

Status EventStream::read_page() {
    const auto page = task_->read(seq_, page_);
    if (!page) {
        return fail(page.error());
    }
    seq_ = page->last_seq;
    terminal_ = page->terminal;
    whole_ = page->whole;
    pending_.add(page->bytes);
    const bool is_long = page->bytes->size() > kLongPage;
    page_ = is_long ? std::max(1, page_ / 2) : std::min(kMaxPage, page_ * 2);
    return {};
}

Status EventStream::add_end() {
    auto end = task_->end(seq_);
    if (!end) {
        return fail(end.error());
    }
    pending_.add(std::move(*end));
    return {};
}

StreamStep EventStream::next() {
    bool more = true;
    while (more && !terminal_ && pending_.size() < SharedPieces::kPiece) {
        if (const auto read = read_page(); !read) {
            return StreamStep::abort(in_full(read.error()));
        }
        more = !whole_;
        // nothing follows the status that a client who comes back may have seen already
        terminal_ = terminal_ || (whole_ && ended_before_);
        const auto ended = terminal_ ? add_end() : Status{};
        if (!ended) {
            return StreamStep::abort(in_full(ended.error()));
        }
    }
    const auto now = clock_.steady();
    if (pending_.empty() && now >= last_sent_ + kHeartbeat) {
        pending_.add(comment(": still here\n\n"));
    }
    if (pending_.empty()) {
        return StreamStep::wait({}, last_sent_ + kHeartbeat);
    }
    last_sent_ = now;
    auto piece = pending_.take();
    if (!pending_.empty()) {
        return StreamStep::more(std::move(piece));
    }
    if (terminal_) {
        return StreamStep::end(std::move(piece));
    }
    return more ? StreamStep::more(std::move(piece))
                : StreamStep::wait(std::move(piece), now + kHeartbeat);
}

}  // namespace opslab
