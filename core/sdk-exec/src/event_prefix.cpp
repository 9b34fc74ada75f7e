#include <opslab/exec/event_prefix.hpp>

#include <sys/random.h>

#include <array>
#include <cstddef>

namespace opslab::exec {

RunnerResult<std::string> make_event_prefix() {
    std::array<unsigned char, 16> bytes{};
    // up to 256 bytes come whole once the kernel's pool is ready
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return runner_fail(RunnerErrc::infrastructure, "the kernel gave no random bytes");
    }
    constexpr std::array<char, 17> kDigits{"0123456789abcdef"};
    std::string word = "opslab-";
    for (const unsigned char byte : bytes) {
        word.push_back(kDigits.at(byte >> 4U));
        word.push_back(kDigits.at(byte & 0xfU));
    }
    return word;
}

}  // namespace opslab::exec
