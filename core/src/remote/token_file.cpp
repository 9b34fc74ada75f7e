#include "remote/token_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <system_error>

namespace opslab {

namespace {

constexpr std::size_t kMaxToken = 4096;
constexpr const char* kBlanks = " \t\r\n";

}  // namespace

Result<TokenFile> read_token_file(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    TokenFile found;
    found.token.resize(kMaxToken + 16);
    file.read(found.token.data(), static_cast<std::streamsize>(found.token.size()));
    struct stat info {};
    if (file.bad() || (!file.eof() && file.gcount() == 0) || ::stat(path.c_str(), &info) != 0) {
        const auto why = errno == 0 ? std::string() : ": " + std::generic_category().message(errno);
        return fail(
            Errc::permission_denied,
            "cannot read the token file \"" + path + "\"" + why +
                "; it must be there, and this user must be able to read it"
        );
    }
    found.others_can_read = (info.st_mode & S_IROTH) != 0;
    auto& token = found.token;
    token.resize(static_cast<std::size_t>(file.gcount()));
    token.erase(0, std::min(token.find_first_not_of(kBlanks), token.size()));
    token.erase(token.find_last_not_of(kBlanks) + 1);
    const bool plain =
        std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (token.empty() || token.size() > kMaxToken || !plain) {
        return fail(
            Errc::invalid_argument,
            "the token file \"" + path +
                "\" must hold one line of 1 to 4096 visible ASCII "
                "characters"
        );
    }
    return found;
}

}  // namespace opslab
