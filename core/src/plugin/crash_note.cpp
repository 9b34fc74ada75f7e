#include "plugin/crash_note.hpp"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>

namespace opslab::plugin {

namespace {

struct Note {
    std::string_view plugin{};
    std::string_view doing{};
};

// read by the handler of the same thread
thread_local Note current;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
// read by the handler of any thread
std::atomic<int> kept_in{-1};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

/// The notes of all threads. One for the process, as the threads and their deaths are.
class Register {
public:
    void add(const CrashNote* of, Note what) {
        const std::lock_guard lock(mutex_);
        notes_[of] = what;
    }

    void remove(const CrashNote* of) {
        const std::lock_guard lock(mutex_);
        notes_.erase(of);
    }

    [[nodiscard]] std::vector<std::string> texts() {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> texts;
        for (const auto& [of, what] : notes_) {
            texts.push_back(std::string{what.plugin} + ": " + std::string{what.doing});
        }
        return texts;
    }

private:
    std::mutex mutex_{};
    std::map<const CrashNote*, Note> notes_{};
};

Register& all_notes() {
    // never destroyed: a thread that hangs in a plugin may outlive main
    static auto& notes = *new Register;
    return notes;
}

/// Text in a place of its own: nothing may be allocated in a handler.
class Line {
public:
    void add(std::string_view text) {
        const std::size_t room = std::min(text.size(), bytes_.size() - size_);
        std::copy_n(text.begin(), room, bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += room;
    }

    void write(int descriptor) const {
        // there is nobody left to tell of a failure
        static_cast<void>(!::write(descriptor, bytes_.data(), size_));
    }

private:
    std::array<char, 512> bytes_{};
    std::size_t size_ = 0;
};

#ifdef __SANITIZE_ADDRESS__
constexpr bool kAddressSanitizer = true;  // it has handlers of its own, which tell more
#else
constexpr bool kAddressSanitizer = false;
#endif

void tell_and_die(int signal) {
    if (!current.plugin.empty()) {
        const char* abbreviation = ::sigabbrev_np(signal);
        const std::string_view name = abbreviation == nullptr ? "?" : abbreviation;
        if (const int descriptor = kept_in; descriptor >= 0) {
            Line kept;
            for (const auto part :
                 {std::string_view{"SIG"},
                  name,
                  std::string_view{"\n"},
                  current.plugin,
                  std::string_view{"\n"},
                  current.doing,
                  std::string_view{"\n"}}) {
                kept.add(part);
            }
            kept.write(descriptor);
        }
        Line line;
        line.add("opslab: the plugin ");
        line.add(current.plugin);
        line.add(" crashed this process (SIG");
        line.add(name);
        line.add(") in ");
        line.add(current.doing);
        line.add("; a plugin that does this belongs into a process of its own: opslab worker\n");
        line.write(STDERR_FILENO);
    }
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

}  // namespace

CrashNote::CrashNote(std::string_view plugin, std::string_view doing)
    : plugin_before_(current.plugin), doing_before_(current.doing) {
    current = {plugin, doing};
    all_notes().add(this, current);
}

CrashNote::~CrashNote() {
    all_notes().remove(this);
    current = {plugin_before_, doing_before_};
}

std::vector<std::string> calls_under_way() {
    return all_notes().texts();
}

void keep_crashes(int descriptor) {
    kept_in = descriptor;
}

void name_plugins_in_crashes() {
    if (kAddressSanitizer) {
        return;
    }
    struct sigaction action {};
    action.sa_handler = &tell_and_die;
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        ::sigaction(signal, &action, nullptr);
    }
}

}  // namespace opslab::plugin
