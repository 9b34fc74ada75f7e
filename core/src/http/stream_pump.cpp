#include "http/stream_pump.hpp"

#include "http/wire.hpp"

#include <exception>
#include <utility>

namespace opslab {

StreamPump::StreamPump(
    std::shared_ptr<StreamLine> line,
    std::unique_ptr<StreamSource> source,
    BoundedExecutor& executor
)
    : line_(std::move(line)), source_(std::move(source)), executor_(executor) {}

void StreamPump::start(std::string head) {
    const std::weak_ptr<StreamPump> weak = weak_from_this();
    source_->start(StreamWaker([weak, line = std::weak_ptr<StreamLine>(line_)] {
        const auto self = weak.lock();
        const auto target = line.lock();
        if (self && target && !self->wake_posted_.exchange(true)) {
            target->run_on_io([self] { self->woken(); });
        }
    }));
    line_->send(std::move(head), StreamLine::Part::more, [self = shared_from_this()](bool ok) {
        self->written(ok);
    });
}

void StreamPump::stop() {
    stopping_ = true;
    if (state_ == State::waiting) {
        send_last(StreamLine::Part::last, source_->completion());
    }
}

void StreamPump::abandon() {
    finish();
}

void StreamPump::step() {
    state_ = State::stepping;
    stepping_ = true;
    wake_kept_ = false;
    const bool posted = executor_.post_admitted([self = shared_from_this(), line = line_] {
        auto step = StreamStep::abort();
        try {
            step = self->source_->next();
        } catch (const std::exception& thrown) {
            step.cause = thrown.what();
        } catch (...) {  // whatever it was, the stream cannot go on: it is cut
            step.cause = "something that is no exception was thrown";
        }
        auto result = std::make_shared<StreamStep>(std::move(step));
        line->run_on_io([self, result] { self->stepped(*result); });
    });
    if (!posted) {
        stepping_ = false;
        finish();
    }
}

void StreamPump::stepped(const StreamStep& step) {
    stepping_ = false;
    if (state_ == State::over) {
        source_.reset();
        return;
    }
    if (step.then == StreamStep::Then::abort) {
        line_->failed(step.cause);
        send_last(StreamLine::Part::cut, {});
        return;
    }
    if (step.then == StreamStep::Then::end) {
        send_last(StreamLine::Part::last, step.bytes);
        return;
    }
    then_ = step.then;
    until_ = step.until;
    if (step.bytes.empty()) {
        written(true);
        return;
    }
    state_ = State::writing;
    line_->send(
        wire::chunk(step.bytes),
        StreamLine::Part::more,
        [self = shared_from_this()](bool ok) { self->written(ok); }
    );
}

void StreamPump::written(bool ok) {
    if (state_ == State::over) {
        return;
    }
    if (!ok) {
        finish();
    } else if (then_ == StreamStep::Then::more || (wake_kept_ && !stopping_)) {
        step();
    } else if (stopping_) {
        send_last(StreamLine::Part::last, source_->completion());
    } else {
        wait(until_);
    }
}

void StreamPump::wait(std::optional<SteadyTime> until) {
    state_ = State::waiting;
    if (until) {
        line_->wake_at(*until, [self = shared_from_this()] {
            if (self->state_ == State::waiting) {
                self->step();
            }
        });
    }
}

void StreamPump::woken() {
    wake_posted_ = false;
    if (state_ == State::waiting) {
        line_->cancel_wake();
        step();
    } else {
        wake_kept_ = true;
    }
}

void StreamPump::send_last(StreamLine::Part part, const std::string& bytes) {
    std::string tail = bytes.empty() ? std::string() : wire::chunk(bytes);
    if (part == StreamLine::Part::last) {
        tail += wire::kLastChunk;
    }
    then_ = StreamStep::Then::end;
    state_ = State::writing;
    line_->cancel_wake();
    line_->send(std::move(tail), part, [self = shared_from_this()](bool) { self->finish(); });
}

void StreamPump::finish() {
    if (state_ == State::over) {
        return;
    }
    state_ = State::over;
    if (!stepping_) {
        source_.reset();
    }
    line_->cancel_wake();
    line_->over();
}

}  // namespace opslab
