#pragma once

#include "exit_code.hpp"
#include "output/terminal.hpp"
#include "remote/http_client.hpp"

#include <opslab/error.hpp>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace opslab::cli {

/// What every command that speaks to a coordinator is told on the command line.
struct Connection {
    std::string coordinator{"http://127.0.0.1:8000"};
    std::string token_file{};
    int timeout_seconds = 30;
    bool json = false;
};

/// An answer of the coordinator: its text as it came, and what it says.
struct Answer {
    Answer(std::string text_as_sent, nlohmann::json&& parsed);
    Answer(Answer&&) noexcept;
    Answer& operator=(Answer&&) noexcept;
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
    ~Answer();

    std::string text;
    std::unique_ptr<nlohmann::json> document;  ///< never null
};

/// A value, or the code to end with after the failure was explained on standard error.
template <class T>
using Outcome = tl::expected<T, ExitCode>;

/// One run of a client command: the connection, and where to write.
class Session {
public:
    Session(HttpClient client, bool json, Terminal terminal);

    /// Makes the call. Where it fails or is refused, says so on standard error, with every
    /// offending field, and gives the exit code.
    [[nodiscard]] Outcome<Answer> fetch(const HttpCall& call);

    /// Says on standard error what a refusing answer says. Gives the exit code that goes with it.
    ExitCode explain(const HttpReply& reply);

    /// Says on standard error why no answer came. Gives the exit code that goes with it.
    ExitCode explain(const Error& error);

    /// Machine output: one line of JSON, as the API sent it.
    void print_json(std::string_view json);

    [[nodiscard]] bool wants_json() const { return json_; }
    [[nodiscard]] Terminal& terminal() { return terminal_; }
    [[nodiscard]] HttpClient& client() { return client_; }

private:
    HttpClient client_;
    bool json_;
    Terminal terminal_;
};

/// Opens a session and runs `work` in it. A wrong address or token file is explained and is
/// `ExitCode::usage`.
[[nodiscard]] ExitCode with_session(
    const Connection& connection, const std::function<ExitCode(Session&)>& work
);

/// Levels of JSON in an answer: a task's own objects may have 64 of their own.
inline constexpr int kMaxAnswerDepth = 128;

/// Says what is wrong with the command line and gives `ExitCode::usage`.
ExitCode complain_usage(std::string_view message);

}  // namespace opslab::cli
