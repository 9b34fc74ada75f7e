#pragma once

#include <opslab/docker/engine_address.hpp>
#include <opslab/docker/engine_error.hpp>
#include <opslab/runner.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace opslab::docker {

using Labels = std::map<std::string, std::string>;

struct ContainerState {
    std::string id{};
    std::string name{};  ///< without the slash
    Labels labels{};
    std::string health{};     ///< healthy, unhealthy, starting; empty: no health check
    bool is_running = false;  ///< or paused or restarting
    bool is_restarting = false;
    bool was_started = true;      ///< false: made, and not started yet
    std::int64_t started_ns = 0;  ///< Unix time of its last start; 0: not known
    bool is_out_of_memory = false;
    int exit_code = 0;
};

struct ImageFacts {
    std::string id{};    ///< another one where the image was pulled or built anew
    Labels labels{};     ///< what it was built with
    std::string user{};  ///< as whom its containers run; empty: root
};

struct ContainerSummary {
    std::string id{};
    Labels labels{};
};

/// How a container ended, as far as the engine knows: it keeps its last 256 events, and none from
/// before its own start.
struct SeenEnd {
    /// It was there at the end. Otherwise the end of the log may be missing: an engine that starts
    /// again drops what a container wrote in its last moments without it.
    bool was_seen = false;
    /// It had sent a signal before: somebody asked it to (`docker stop`, `kill`, `rm -f`), or it is
    /// being shut down. What runs in the container cannot cause this.
    bool was_signalled = false;
};

struct LogQuery {
    std::int64_t since_ns = 0;  ///< Unix time; 0: from the start
    bool follow = false;
};

/// A client of the Docker Engine API, 1.40 and up, and of what is compatible with it. Every call
/// has its own bound on time, opens its own connection, and fails with `away`, `timeout`,
/// `protocol`, `refused` or `fault`, besides what it names. Threads: any.
class Engine {
public:
    /// Takes the next bytes of a stream; false: no more of it is wanted (the call fails `stopped`).
    using TakeBytes = std::function<bool(std::string_view)>;

    explicit Engine(EngineAddress address) : address_(std::move(address)) {}

    [[nodiscard]] const EngineAddress& address() const { return address_; }

    /// The engine's product version, like `20.10.24`.
    [[nodiscard]] EngineResult<std::string> version();

    /// Where it keeps its containers and their logs, on its own machine.
    [[nodiscard]] EngineResult<std::string> data_directory();

    [[nodiscard]] EngineResult<bool> has_image(std::string_view image);

    /// Fails: `not_found`.
    [[nodiscard]] EngineResult<ImageFacts> image(std::string_view image);

    /// Brings an image from its registry; without a tag, `latest`. Fails: `interrupted`,
    /// `not_found`.
    [[nodiscard]] EngineStatus pull_image(std::string_view image, Interrupt interrupt);

    /// Makes a container from a body of the API and returns its id.
    /// Fails: `not_found` (the image), `conflict` (the name).
    [[nodiscard]] EngineResult<std::string> create(
        std::string_view name, std::string_view body_json
    );

    /// Unpacks a tar archive under `directory` of a container. Fails: `not_found`.
    [[nodiscard]] EngineStatus unpack(
        std::string_view container, std::string_view directory, std::string_view tar
    );

    /// A plain file of a container, running or not, of at most some MiB. Fails: `not_found`,
    /// `protocol` where it is no plain file.
    [[nodiscard]] EngineResult<std::string> file(std::string_view container, std::string_view path);

    /// Fails: `not_found`.
    [[nodiscard]] EngineStatus start(std::string_view container);

    /// Fails: `not_found`.
    [[nodiscard]] EngineResult<ContainerState> inspect(std::string_view container);

    /// Fails: `not_found`, `conflict` where it does not run.
    [[nodiscard]] EngineStatus kill(std::string_view container, std::string_view signal);

    /// Returns when the container does not run. Fails: `not_found`, `timeout`.
    [[nodiscard]] EngineStatus wait_until_stopped(
        std::string_view container, std::chrono::milliseconds timeout
    );

    /// By force, with its anonymous volumes. Fails: `not_found`, `conflict` (it is being removed).
    [[nodiscard]] EngineStatus remove(std::string_view container);

    /// All containers, running or not, that carry all of `labels`.
    [[nodiscard]] EngineResult<std::vector<ContainerSummary>> list(const Labels& labels);

    /// The multiplexed stream of the log, each message behind its time stamp and a blank.
    /// Fails: `not_found`, `interrupted`, `stopped`.
    [[nodiscard]] EngineStatus logs(
        std::string_view container,
        const LogQuery& query,
        const TakeBytes& take,
        Interrupt interrupt
    );

    /// What the engine's events say of how a container ended that has ended. Takes up to 3 s where
    /// it was not seen. Fails: `interrupted`.
    [[nodiscard]] EngineResult<SeenEnd> seen_end(std::string_view container, Interrupt interrupt);

    /// The multiplexed stream of what the container writes from now on. While it is open and not
    /// read, the container's writes block. Fails: `not_found`, `interrupted`, `stopped`.
    [[nodiscard]] EngineStatus attach(
        std::string_view container, const TakeBytes& take, Interrupt interrupt
    );

private:
    struct Call;
    [[nodiscard]] EngineResult<std::string> send(const Call& call);
    [[nodiscard]] EngineResult<std::string> api_prefix();

    EngineAddress address_;
    std::mutex mutex_{};
    std::string api_prefix_{};  // guarded by mutex_; empty until the engine was asked
};

}  // namespace opslab::docker
