#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What the fuzz targets share. A target is a function of bytes that stops the program where
/// a promise is broken; libFuzzer feeds it what it makes up, and `opslab_fuzz_replay` the corpora.
namespace opslab::fuzz {

using Run = void (*)(std::string_view input);

struct Target {
    const char* name;
    Run run;
};

/// All targets that are linked in.
[[nodiscard]] std::vector<Target>& targets();

/// One static object in each target's file.
struct Registration {
    Registration(const char* name, Run run) { targets().push_back({name, run}); }
};

/// Ends the program with `promise` and what was seen instead, unless it `holds`.
void require(bool holds, const char* promise, std::string_view seen = {});

/// `input` in pieces of 1 to 16 bytes, or now and then a long one. The cuts follow from the bytes
/// alone, so a corpus holds nothing but what really comes over a line.
[[nodiscard]] std::vector<std::string_view> pieces_of(std::string_view input);

/// `input` in pieces of one byte.
[[nodiscard]] std::vector<std::string_view> bytes_of(std::string_view input);

/// The parts of `input` between lines that are `%%`.
[[nodiscard]] std::vector<std::string_view> parts_of(std::string_view input);

}  // namespace opslab::fuzz
