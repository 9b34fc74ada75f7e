#include "program_call.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace opslab::runner_exec {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kKept = 4096;
constexpr std::size_t kMostWords = 1024;
constexpr milliseconds kDeathWait{10'000};

/// An output of which only the end is kept.
class Tail {
public:
    explicit Tail(int fd) : fd_(fd) {}

    [[nodiscard]] int fd() const { return is_open_ ? fd_ : -1; }
    [[nodiscard]] const std::string& text() const { return text_; }

    void read_some() {
        std::array<char, 16384> piece{};
        const ssize_t got = ::read(fd_, piece.data(), piece.size());
        is_open_ = got > 0;
        text_.append(piece.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
        if (text_.size() > kKept) {
            text_.erase(0, text_.size() - kKept);
        }
    }

private:
    int fd_;
    bool is_open_ = true;
    std::string text_{};
};

/// A program under way.
class Call {
public:
    explicit Call(std::unique_ptr<exec::SupervisedProcess> process)
        : process_(std::move(process)), out_(process_->out_fd()), err_(process_->err_fd()) {}

    [[nodiscard]] RunnerResult<Called> finish(
        const std::string& program, milliseconds patience, Interrupt interrupt
    ) {
        const auto end = Steady::now() + patience;
        for (;;) {
            const bool has_ended = process_->wait_ended(milliseconds{0});
            const auto left = std::chrono::duration_cast<milliseconds>(end - Steady::now());
            if (!has_ended && left.count() <= 0) {
                kill();
                return runner_fail(
                    RunnerErrc::infrastructure,
                    "\"" + program + "\" did not end within " +
                        std::to_string(patience.count() / 1000) + " s and was killed"
                );
            }
            switch (read(has_ended, left, interrupt)) {
                case Next::again:
                    break;
                case Next::interrupted:
                    kill();
                    return runner_fail(RunnerErrc::interrupted, "interrupted in " + program);
                case Next::all_read:
                    return called();
            }
        }
    }

private:
    enum class Next { again, interrupted, all_read };

    [[nodiscard]] Next read(bool has_ended, milliseconds left, Interrupt interrupt) {
        std::array<pollfd, 4> waits{{
            {interrupt.fd, POLLIN, 0},
            {out_.fd(), POLLIN, 0},
            {err_.fd(), POLLIN, 0},
            {has_ended ? -1 : process_->end_fd(), POLLIN, 0},
        }};
        const int most = has_ended ? 0 : static_cast<int>(left.count());
        const int ready = ::poll(waits.data(), waits.size(), most);
        if (waits[0].revents != 0) {
            return Next::interrupted;
        }
        if (has_ended && ready <= 0) {
            return Next::all_read;
        }
        if (waits[1].revents != 0) {
            out_.read_some();
        }
        if (waits[2].revents != 0) {
            err_.read_some();
        }
        return Next::again;
    }

    [[nodiscard]] Called called() {
        const std::string words = last_words_of(err_.text());
        return {process_->end(), words.empty() ? last_words_of(out_.text()) : words};
    }

    void kill() {
        process_->kill_all();
        static_cast<void>(process_->wait_ended(kDeathWait));
    }

    std::unique_ptr<exec::SupervisedProcess> process_;
    Tail out_;
    Tail err_;
};

[[nodiscard]] bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

}  // namespace

std::string last_words_of(std::string_view output) {
    if (output.size() > kMostWords) {
        output.remove_prefix(output.size() - kMostWords);
        while (!output.empty() && is_continuation(output.front())) {
            output.remove_prefix(1);
        }
    }
    std::string words;
    for (const char c : output) {
        const bool is_control = static_cast<unsigned char>(c) < 0x20U || c == 0x7F;
        words += is_control ? ' ' : c;
    }
    const std::size_t last = words.find_last_not_of(' ');
    words.erase(last == std::string::npos ? 0 : last + 1);
    words.erase(0, std::min(words.find_first_not_of(' '), words.size()));
    return words;
}

RunnerResult<Called> call_program(
    const exec::ProcessSpec& spec, milliseconds patience, Interrupt interrupt
) {
    auto process = exec::SupervisedProcess::spawn(spec, interrupt);
    if (!process) {
        return tl::unexpected(process.error());
    }
    return Call{std::move(*process)}.finish(spec.program, patience, interrupt);
}

}  // namespace opslab::runner_exec
