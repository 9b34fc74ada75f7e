#include "worker/lease_notes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace opslab {

namespace {

constexpr std::string_view kEnded = ".ended";
constexpr std::size_t kDigits = 19;  // of any SteadyTime, so that a note is written over whole

std::optional<SteadyTime> read_until(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return std::nullopt;
    }
    std::array<char, kDigits> text{};
    const auto got = ::read(fd, text.data(), text.size());
    ::close(fd);
    std::int64_t micros = 0;
    if (!std::cmp_equal(got, kDigits) ||
        std::from_chars(text.begin(), text.end(), micros).ec != std::errc{}) {
        return std::nullopt;
    }
    return SteadyTime{Duration{micros}};
}

}  // namespace

Status LeaseNotes::note(const std::string& run_id, SteadyTime until) const {
    std::error_code ignored;
    const auto file = folder_ / run_id;
    int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 && errno == ENOENT) {
        std::filesystem::create_directories(folder_, ignored);
        fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    }
    const auto text = fmt::format("{:0{}}", until.time_since_epoch().count(), kDigits);
    const bool written =
        fd >= 0 && std::cmp_equal(::pwrite(fd, text.data(), text.size(), 0), text.size());
    const int error = errno;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!written) {
        return fail(
            Errc::unavailable,
            "cannot note a lease in \"" + file.string() +
                "\": " + std::generic_category().message(error)
        );
    }
    return {};
}

bool LeaseNotes::take(const Note& lapsed) const {
    const auto file = folder_ / lapsed.run_id;
    auto ended = file;
    ended += kEnded;
    if (::rename(file.c_str(), ended.c_str()) != 0) {
        return false;
    }
    // whoever holds it may have written just now
    if (const auto until = read_until(ended); until && *until > lapsed.until) {
        ::rename(ended.c_str(), file.c_str());
        return false;
    }
    return true;
}

bool LeaseNotes::ended(const std::string& run_id) const {
    auto file = folder_ / run_id;
    file += kEnded;
    return ::access(file.c_str(), F_OK) == 0;
}

void LeaseNotes::forget(const std::string& run_id) const {
    auto file = folder_ / run_id;
    ::unlink(file.c_str());
    file += kEnded;
    ::unlink(file.c_str());
}

std::vector<LeaseNotes::Note> LeaseNotes::list() const {
    std::vector<Note> notes;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
        Note note{.run_id = entry->path().filename().string()};
        note.ended = note.run_id.size() > kEnded.size() && note.run_id.ends_with(kEnded);
        if (note.ended) {
            note.run_id.resize(note.run_id.size() - kEnded.size());
        }
        // a note that is just being made is empty: it is read the next time
        if (const auto until = read_until(entry->path())) {
            note.until = *until;
            notes.push_back(std::move(note));
        }
    }
    return notes;
}

}  // namespace opslab
