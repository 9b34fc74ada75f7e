#include "export_file.hpp"

#include "base/json.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace opslab::cli {
namespace {

constexpr std::size_t kLongestLine = std::size_t{256} << 20U;
constexpr std::size_t kLook = std::size_t{64} << 10U;
constexpr int kMaxLineDepth = 128;  // a task's own objects may have 64 levels of their own

tl::unexpected<Error> failed(Errc code, const std::string& what) {
    return fail(code, what + ": " + std::strerror(errno));
}

/// Where the line end before `end` is, or nothing.
Result<std::optional<off_t>> line_end_before(int fd, off_t end) {
    std::string block;
    while (end > 0) {
        const auto size = static_cast<std::size_t>(std::min<off_t>(end, off_t{kLook}));
        block.resize(size);
        const auto from = end - static_cast<off_t>(size);
        if (::pread(fd, block.data(), size, from) != static_cast<ssize_t>(size)) {
            return failed(Errc::internal, "cannot read what was exported before");
        }
        if (const auto at = block.rfind('\n'); at != std::string::npos) {
            return from + static_cast<off_t>(at);
        }
        end = from;
    }
    return std::nullopt;
}

std::string cursor_of(std::string_view line) {
    const auto parsed = parse_json(line, kMaxLineDepth);
    if (!parsed || !parsed->is_object()) {
        return {};
    }
    const auto cursor = parsed->find("cursor");
    return cursor != parsed->end() && cursor->is_string() ? cursor->get<std::string>()
                                                          : std::string{};
}

/// The cursor of the last whole line, with what comes behind that line cut off.
Result<std::string> bookmark(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
        return failed(Errc::internal, "cannot look at the file");
    }
    auto last = line_end_before(fd, status.st_size);
    if (!last) {
        return fail(std::move(last.error()));
    }
    if (!*last) {
        if (status.st_size > 0) {
            char first = '\0';
            if (::pread(fd, &first, 1, 0) != 1 || first != '{') {
                return fail(Errc::invalid_argument, "the file was not made by an export");
            }
        }
    }
    std::string cursor;
    off_t keep = 0;
    if (*last) {
        const auto before = line_end_before(fd, **last);
        if (!before) {
            return fail(before.error());
        }
        const off_t begin = *before ? **before + 1 : 0;
        const auto size = static_cast<std::size_t>(**last - begin);
        std::string line(std::min(size, kLongestLine), '\0');
        if (::pread(fd, line.data(), line.size(), begin) != static_cast<ssize_t>(line.size())) {
            return failed(Errc::internal, "cannot read what was exported before");
        }
        cursor = cursor_of(line);
        if (cursor.empty()) {
            return fail(Errc::invalid_argument, "the file's last line holds no cursor");
        }
        keep = **last + 1;
    }
    if (::ftruncate(fd, keep) != 0 || ::lseek(fd, keep, SEEK_SET) != keep) {
        return failed(Errc::internal, "cannot cut an unfinished line off");
    }
    return cursor;
}

}  // namespace

Result<ExportFile> ExportFile::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        return failed(Errc::permission_denied, "cannot open \"" + path + "\"");
    }
    ExportFile file(fd, {});  // closes it on every way out
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return fail(Errc::conflict, "another export writes to \"" + path + "\"");
    }
    auto cursor = bookmark(fd);
    if (!cursor) {
        return fail(within("\"" + path + "\"", std::move(cursor.error())));
    }
    file.cursor_ = std::move(*cursor);
    return file;
}

ExportFile::ExportFile(ExportFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      cursor_(std::move(other.cursor_)),
      partial_(std::move(other.partial_)),
      lines_(other.lines_),
      bytes_(other.bytes_),
      dirty_(other.dirty_) {}

ExportFile::~ExportFile() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Status ExportFile::add(std::string_view piece) {
    const auto end = piece.rfind('\n');
    if (end == std::string_view::npos) {
        if (partial_.size() + piece.size() > kLongestLine) {
            return fail(Errc::exhausted, "a line of the feed is over 256 MiB");
        }
        partial_.append(piece);
        return {};
    }
    partial_.append(piece.substr(0, end + 1));
    for (std::string_view left = partial_; !left.empty();) {
        const auto written = ::write(fd_, left.data(), left.size());
        if (written < 0 && errno != EINTR) {
            return failed(Errc::exhausted, "cannot write");
        }
        left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    dirty_ = true;
    bytes_ += partial_.size();
    lines_ += static_cast<std::uint64_t>(std::count(partial_.begin(), partial_.end(), '\n'));
    std::string_view whole = partial_;
    whole.remove_suffix(1);
    const auto before = whole.rfind('\n');
    auto cursor = cursor_of(before == std::string_view::npos ? whole : whole.substr(before + 1));
    if (cursor.empty()) {
        return fail(Errc::internal, "a line of the feed holds no cursor");
    }
    cursor_ = std::move(cursor);
    partial_ = piece.substr(end + 1);
    return {};
}

Status ExportFile::sync() {
    if (dirty_ && ::fdatasync(fd_) != 0) {
        return failed(Errc::exhausted, "cannot bring it to the disk");
    }
    dirty_ = false;
    return {};
}

}  // namespace opslab::cli
