#include "base/json.hpp"
#include "base/text.hpp"
#include "domain/run_event.hpp"
#include "fuzz/fuzz.hpp"

#include <opslab/exec/driver_output.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

/// What a driver prints. Promised: the lines are those of a plain split, whole or cut at the limit
/// and marked; only a line of stdout that begins with the prefix is an event, and stderr never has
/// one; no log shows the prefix of a cut event; cuts in the stream change nothing; a valid event
/// keeps its meaning when it is posted.
namespace opslab::fuzz {
namespace {

constexpr std::string_view kFuzzPrefix = "@@e1:";
constexpr std::size_t kFuzzLine = 300;
constexpr Timestamp kLineTime{Duration{1'769'847'330'123'456}};

struct Printed {
    bool event = false;
    bool truncated = false;
    std::string text{};

    bool operator==(const Printed&) const = default;
};

class Printer final : public RunSink {
public:
    std::vector<Printed> lines{};

    SinkAnswer event(std::string_view json) override {
        lines.push_back({true, false, std::string(json)});
        return answer();
    }
    SinkAnswer output(OutputStream, std::string_view line, bool truncated) override {
        lines.push_back({false, truncated, std::string(line)});
        return answer();
    }
    SinkAnswer position(std::string_view) override { return SinkAnswer::go_on; }

private:
    /// Leaves off now and then: what was not taken must come again.
    SinkAnswer answer() {
        return lines.size() % 3 == 0 ? SinkAnswer::leave_off : SinkAnswer::go_on;
    }
};

std::vector<Printed> expected_lines(std::string_view input, OutputStream stream) {
    std::vector<Printed> lines;
    while (!input.empty()) {
        const auto end = std::min(input.find('\n'), input.size());
        const auto line = input.substr(0, end);
        const bool last = end == input.size();
        input.remove_prefix(std::min(end + 1, input.size()));
        if (last && line.empty()) {
            break;
        }
        const bool cut = line.size() > kFuzzLine;
        auto text = line.substr(0, kFuzzLine);
        const bool prefixed = stream == OutputStream::out && text.starts_with(kFuzzPrefix);
        if (prefixed) {
            text.remove_prefix(kFuzzPrefix.size());
        }
        lines.push_back({prefixed && !cut, cut, std::string(text)});
    }
    return lines;
}

std::vector<Printed> print(OutputStream stream, const std::vector<std::string_view>& pieces) {
    exec::DriverOutput output(std::string(kFuzzPrefix), kFuzzLine);
    Printer printer;
    for (auto piece : pieces) {
        while (!piece.empty()) {
            const auto fed = output.feed(stream, piece, printer);
            require(fed.taken > 0 && fed.taken <= piece.size(), "some bytes are taken", piece);
            piece.remove_prefix(fed.taken);
        }
    }
    static_cast<void>(output.finish(stream, printer));
    return printer.lines;
}

void check_event(const std::string& text) {
    const auto event = parse_driver_event(text, kLineTime);
    if (!event) {
        require(!event.error().message.empty(), "a refused event is told why", text);
        require(is_utf8(event.error().message), "in words that a log can hold", text);
        return;
    }
    std::optional<RunEvent> run;
    if (const auto* log = std::get_if<LogEvent>(&*event)) {
        run = *log;
    } else if (const auto* phase = std::get_if<PhaseEvent>(&*event)) {
        run = *phase;
    }
    if (run) {
        std::vector<FieldError> errors;
        const auto shown = parse_json(dump_json(to_json(*run)), 128);
        require(shown.has_value(), "an event can be posted", text);
        const auto posted = decode_run_event(*shown, "", kLineTime, errors);
        require(posted && *posted == *run, "and says the same then", text);
    }
}

void driver_lines(std::string_view input) {
    for (const auto stream : {OutputStream::out, OutputStream::err}) {
        const auto wanted = expected_lines(input, stream);
        for (const auto& cut : {std::vector{input}, pieces_of(input), bytes_of(input)}) {
            require(print(stream, cut) == wanted, "the lines are those of a plain split", input);
        }
        for (const auto& line : wanted) {
            if (line.event) {
                require(stream == OutputStream::out, "stderr has no events", line.text);
                check_event(line.text);
            }
        }
    }
}

const Registration kDriverLines{"driver_lines", driver_lines};

}  // namespace
}  // namespace opslab::fuzz
