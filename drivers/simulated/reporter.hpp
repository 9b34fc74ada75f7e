#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace simulated {

struct Step {
    int number = 1;
    std::string observation{};
    std::string action{};
    double reward = 0.0;
    std::int64_t prompt_tokens = 0;
    std::int64_t completion_tokens = 0;
    int latency_ms = 0;
};

struct Outcome {
    bool success = true;
    double reward = 1.0;
    std::string task_type{};
    std::string submission{};
    int steps = 0;
};

/// What a driver sees of what its runner owes it.
struct Inspection {
    std::string protocol{};         ///< OPSLAB_PROTOCOL
    bool work_dir_is_ours = false;  ///< OPSLAB_WORK_DIR is a folder that can be written
    bool stdin_is_empty = false;
    std::string task{};  ///< JSON
};

/// The driver protocol's writing side (version 1), and plain output for the modes that need it.
class Reporter {
public:
    explicit Reporter(std::string prefix) : prefix_(std::move(prefix)) {}

    void log(std::string_view level, std::string_view message, int step);
    void phase(std::string_view name, std::string_view state);
    void step(const Step& step);
    void result(const Outcome& outcome);
    void error(std::string_view kind, std::string_view phase, std::string_view message);
    void clean();

    /// What the driver was given, as an event of its own kind of log.
    void inspection(const Inspection& seen);

    /// Text after the prefix, whatever it is.
    void raw_event(std::string_view text);

    /// Bytes to a standard stream, buffered until the next event or `flush`.
    void out(std::string_view bytes);
    void err(std::string_view bytes);
    void flush();

    [[nodiscard]] const std::string& prefix() const { return prefix_; }

private:
    void event(const nlohmann::ordered_json& json);

    std::string prefix_;
};

}  // namespace simulated
