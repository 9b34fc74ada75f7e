#include "output/terminal.hpp"

#include "output/escape.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace opslab::cli {
namespace {

constexpr std::size_t kUsualColumns = 80;

bool has_value(const char* variable) {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): before any thread
    return value != nullptr && *value != '\0';
}

bool is_dumb_terminal() {
    const char* term = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): before any thread
    return term == nullptr || std::string_view{term} == "dumb";
}

std::size_t columns() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) {
        return kUsualColumns;
    }
    return size.ws_col;
}

void write(std::FILE* stream, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stream);
}

}  // namespace

Terminal::Terminal(bool interactive, bool colours) : interactive_(interactive), colours_(colours) {}

Terminal Terminal::detect() {
    const bool interactive = ::isatty(STDOUT_FILENO) == 1 && !is_dumb_terminal();
    return Terminal{interactive, interactive && !has_value("NO_COLOR")};
}

void Terminal::line(std::string_view text) {
    clear_progress();
    write(stdout, text);
    write(stdout, "\n");
    // someone may be following through a pipe; a line that is said is a line that is out
    std::fflush(stdout);
}

void Terminal::complain(std::string_view text) {
    clear_progress();
    write(stderr, text);
    write(stderr, "\n");
}

void Terminal::progress(std::string_view text) {
    if (!interactive_) {
        return;
    }
    write(stdout, "\r\033[K");
    write(stdout, shortened(text, columns() - 1));
    std::fflush(stdout);
    progress_shown_ = true;
}

void Terminal::clear_progress() {
    if (progress_shown_) {
        write(stdout, "\r\033[K");
        std::fflush(stdout);
        progress_shown_ = false;
    }
}

std::string Terminal::paint(Colour colour, std::string_view text) const {
    const char* code = nullptr;
    switch (colour) {
        case Colour::none:
            break;
        case Colour::dim:
            code = "\033[2m";
            break;
        case Colour::green:
            code = "\033[32m";
            break;
        case Colour::yellow:
            code = "\033[33m";
            break;
        case Colour::red:
            code = "\033[31m";
            break;
        case Colour::blue:
            code = "\033[34m";
            break;
    }
    if (!colours_ || code == nullptr) {
        return std::string{text};
    }
    return code + std::string{text} + "\033[0m";
}

Colour colour_of_status(std::string_view status) {
    if (status == "completed" || status == "idle") {
        return Colour::green;
    }
    if (status == "running" || status == "busy") {
        return Colour::blue;
    }
    if (status == "failed" || status == "timeout" || status == "offline") {
        return Colour::red;
    }
    if (status == "cancelled") {
        return Colour::yellow;
    }
    return Colour::none;
}

}  // namespace opslab::cli
