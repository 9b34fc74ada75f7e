#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "plugin/bounded_text.hpp"
#include "plugin/guarded_runner.hpp"
#include "plugin/owned_runs.hpp"
#include "plugin/run_sink_bridge.hpp"

#include <opslab/logger.hpp>
#include <opslab/testing/fakes.hpp>

#include <algorithm>

/// What a plugin gives through the C table: texts, owned runs, output. Promised: bounds hold, what
/// goes to people is clean UTF-8, a handle or a position is text, and a sink that has had enough is
/// not called again.
namespace opslab::fuzz {
namespace {

class MutedLog final : public Logger {
public:
    void log(LogLevel, std::string_view, std::span<const LogField>) noexcept override {}
};

class CheckingSink final : public RunSink {
public:
    explicit CheckingSink(std::size_t enough) : enough_(enough) {}

    SinkAnswer event(std::string_view json) override {
        require(json.size() <= plugin::kMaxLineBytes, "an event is bounded");
        return answer();
    }
    SinkAnswer output(OutputStream, std::string_view line, bool) override {
        require(line.size() <= plugin::kMaxLineBytes, "a line is bounded");
        return answer();
    }
    SinkAnswer position(std::string_view text) override {
        require(text.size() <= plugin::kMaxHandleBytes, "a position is bounded", text);
        require(is_utf8(text) && text.find('\0') == std::string_view::npos, "and text", text);
        return answer();
    }

private:
    SinkAnswer answer() {
        require(calls_ < enough_, "a sink that has had enough is left alone");
        return ++calls_ < enough_ ? SinkAnswer::go_on : SinkAnswer::leave_off;
    }

    std::size_t enough_;
    std::size_t calls_ = 0;
};

void check_texts(const std::vector<std::string_view>& pieces, std::string_view input) {
    constexpr std::size_t kLimit = 200;
    plugin::BoundedText text{kLimit};
    for (const auto piece : pieces) {
        text.writer()->write(text.writer()->ctx, piece.data(), piece.size());
    }
    text.writer()->write(text.writer()->ctx, nullptr, 7);
    require(text.bytes() == input.substr(0, kLimit), "text comes as it was, cut at the limit");
    require(text.overflowed() == (input.size() > kLimit), "and says whether it was cut");
    const auto readable = text.readable();
    require(!readable.empty() && is_utf8(readable), "for people it is UTF-8", readable);
    require(
        std::none_of(
            readable.begin(),
            readable.end(),
            [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; }
        ),
        "without control characters",
        readable
    );
}

void check_owned(const std::vector<std::string_view>& pieces) {
    plugin::OwnedRuns owned;
    for (std::size_t i = 0; i + 1 < pieces.size(); i += 2) {
        const std::string id(pieces[i]);
        const std::string handle(pieces[i + 1]);
        owned.table()->visit(owned.table()->ctx, id.c_str(), handle.c_str());
    }
    owned.table()->visit(owned.table()->ctx, nullptr, nullptr);
    require(owned.dropped() >= 1, "a run without a handle is dropped");
    for (const auto& run : owned.take()) {
        require(!run.handle.text.empty() && is_utf8(run.handle.text), "a handle is text");
        require(is_utf8(run.run_id) && run.run_id.size() <= 64, "a run's id is text", run.run_id);
    }
}

void plugin_answers(std::string_view input) {
    const auto pieces = pieces_of(input);
    check_texts(pieces, input);
    check_owned(pieces);
    MutedLog logger;
    CheckingSink sink(1 + input.size() % 50);
    testing::FakeClock clock;
    const plugin::CallContext context{"runner-x", clock, logger};
    plugin::RunSinkBridge bridge(sink, context);
    const auto& table = *bridge.table();
    bool left = false;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto piece = pieces[i];
        const auto answer = i % 3 == 0   ? table.event(table.ctx, piece.data(), piece.size())
                            : i % 3 == 1 ? table.output(table.ctx, 1, piece.data(), piece.size(), 0)
                                         : table.position(table.ctx, piece.data(), piece.size());
        require(answer == 1 || !left, "once left off, always left off");
        left = answer == 1;
    }
    require(!bridge.broke(), "no promise of the sink was broken");
}

const Registration kPluginAnswers{"plugin_answers", plugin_answers};

}  // namespace
}  // namespace opslab::fuzz
