#include "callback/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace opslab {

namespace {

constexpr std::size_t kMaxSecret = 4096;

class OpenFile {
public:
    // not blocking: a FIFO in its place would hold up the start
    explicit OpenFile(const std::string& file)
        : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

std::string reason() {
    return std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): glibc's is safe
}

}  // namespace

Result<std::string> read_secret_file(const std::string& file) {
    const auto refused = [&](Errc code, const std::string& why) {
        return fail(code, "callbacks.secret_file \"" + file + "\" " + why);
    };
    const OpenFile open(file);
    struct stat facts {};
    if (open.fd() < 0 || ::fstat(open.fd(), &facts) != 0) {
        return refused(Errc::permission_denied, "cannot be read: " + reason());
    }
    if (!S_ISREG(facts.st_mode)) {
        return refused(Errc::invalid_argument, "is no regular file");
    }
    if ((facts.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        return refused(
            Errc::permission_denied, "may be read or changed by others: chmod 600 (or 640) it"
        );
    }
    std::array<char, kMaxSecret + 2> buffer{};  // a line end may follow the longest secret
    std::size_t size = 0;
    while (size < buffer.size()) {
        const auto got = ::read(open.fd(), &buffer.at(size), buffer.size() - size);
        if (got < 0) {
            return refused(Errc::permission_denied, "cannot be read: " + reason());
        }
        if (got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    std::string secret(buffer.data(), size);
    constexpr const char* kBlanks = " \t\r\n";
    secret.erase(0, std::min(secret.find_first_not_of(kBlanks), secret.size()));
    secret.erase(secret.find_last_not_of(kBlanks) + 1);
    if (secret.empty() || secret.size() > kMaxSecret) {
        return refused(Errc::invalid_argument, "must hold a secret of 1 to 4096 bytes");
    }
    return secret;
}

}  // namespace opslab
