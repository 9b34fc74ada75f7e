#pragma once

#include <opslab/docker/engine.hpp>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

/// The real engine and the real simulated driver for tests. No engine is a failure.
namespace opslab::testing {

[[nodiscard]] inline docker::EngineAddress test_engine_address() {
    const char* host = std::getenv("DOCKER_HOST");
    return docker::engine_address("", host == nullptr ? "" : host).value();
}

/// An image of this build's simulated driver. Its tag is made of the program's content, so that it
/// is packed once a build and no other build's is taken for it.
[[nodiscard]] inline std::string test_image() {
    const std::string program = OPSLAB_BIN_DIR "/opslab-driver-simulated";
    std::ifstream file(program, std::ios::binary);
    std::uint64_t hash = 14695981039346656037ULL;
    for (std::istreambuf_iterator<char> at(file), end; at != end; ++at) {
        hash = (hash ^ static_cast<unsigned char>(*at)) * 1099511628211ULL;
    }
    const std::string image = "opslab/driver-simulated:test-" + std::to_string(hash);
    const auto is_there = docker::Engine(test_engine_address()).has_image(image);
    if (!is_there) {
        throw std::runtime_error(
            is_there.error().message + " (scripts/docker-engine ensure starts one)"
        );
    }
    if (*is_there) {
        return image;
    }
    ::setenv("OPSLAB_SIMULATED_IMAGE", image.c_str(), 1);
    std::string script = OPSLAB_SOURCE_DIR "/scripts/simulated-image";
    std::string argument = program;
    std::vector<char*> words{script.data(), argument.data(), nullptr};
    pid_t child = 0;
    int status = 1;
    if (::posix_spawn(&child, script.c_str(), nullptr, nullptr, words.data(), environ) != 0 ||
        ::waitpid(child, &status, 0) != child || status != 0) {
        throw std::runtime_error("scripts/simulated-image failed");
    }
    return image;
}

}  // namespace opslab::testing
