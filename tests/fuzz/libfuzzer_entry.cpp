#include "fuzz/fuzz.hpp"

/// libFuzzer's entry: the one target of this program.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const opslab::fuzz::Run run = opslab::fuzz::targets().at(0).run;
    // a copy of just that size: the sanitizer sees a read behind it, and the code a changed buffer
    const std::string input(reinterpret_cast<const char*>(data), size);
    run(input);
    return 0;
}
