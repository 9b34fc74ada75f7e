#include "fuzz/fuzz.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace {

namespace fs = std::filesystem;
using opslab::fuzz::Run;

/// Files without a target, and targets without a file, are mistakes too.
int replay(const fs::path& corpora) {
    std::map<std::string, Run> runs;
    for (const auto& target : opslab::fuzz::targets()) {
        runs.emplace(target.name, target.run);
    }
    int mistakes = 0;
    for (const auto& folder : fs::directory_iterator(corpora)) {
        const auto name = folder.path().filename().string();
        const auto run = runs.find(name);
        if (run == runs.end()) {
            std::fprintf(stderr, "%s: no target has this name\n", name.c_str());
            ++mistakes;
            continue;
        }
        int files = 0;
        for (const auto& file : fs::directory_iterator(folder)) {
            std::fprintf(stderr, "%s\n", file.path().c_str());  // the last one is the broken one
            std::ifstream in(file.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(in), {}};
            run->second(bytes);
            ++files;
        }
        std::printf("%s: %d inputs\n", name.c_str(), files);
        runs.erase(run);
    }
    for (const auto& [name, run] : runs) {
        std::fprintf(stderr, "%s: it has no corpus\n", name.c_str());
        ++mistakes;
    }
    return mistakes == 0 ? 0 : 1;
}

}  // namespace

/// opslab_fuzz_replay FOLDER: runs every input under FOLDER/TARGET through its target.
int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: opslab_fuzz_replay FOLDER\n");
        return 2;
    }
    try {
        return replay(argv[1]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
