#include <opslab/exec/operator_file.hpp>

#include <cstddef>
#include <fstream>

namespace opslab::exec {

RunnerResult<std::string> read_operator_file(std::string_view what, const std::string& path) {
    constexpr std::size_t kMost = std::size_t{1} << 20U;
    std::ifstream file(path, std::ios::binary);
    std::string text(kMost + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || text.empty() || text.size() > kMost) {
        return runner_fail(
            RunnerErrc::infrastructure,
            std::string{what} + " \"" + path + "\" cannot be read, is empty or is over 1 MiB"
        );
    }
    return text;
}

}  // namespace opslab::exec
