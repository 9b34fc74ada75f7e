#include <opslab/exec/driver_output.hpp>

namespace opslab::exec {
namespace {

class ToSink final : public LineTaker {
public:
    ToSink(std::string_view prefix, OutputStream stream, RunSink& sink)
        : prefix_(prefix), stream_(stream), sink_(sink) {}

    [[nodiscard]] SinkAnswer line(std::string_view text, bool truncated) override {
        // an empty prefix would make an event of every line
        const bool is_event =
            stream_ == OutputStream::out && !prefix_.empty() && text.starts_with(prefix_);
        if (!is_event) {
            return sink_.output(stream_, text, truncated);
        }
        text.remove_prefix(prefix_.size());
        return truncated ? sink_.output(stream_, text, true) : sink_.event(text);
    }

private:
    std::string_view prefix_;
    OutputStream stream_;
    RunSink& sink_;
};

}  // namespace

LineSplitter::Fed DriverOutput::feed(OutputStream stream, std::string_view bytes, RunSink& sink) {
    ToSink taker(prefix_, stream, sink);
    return splitter(stream).feed(bytes, taker);
}

SinkAnswer DriverOutput::finish(OutputStream stream, RunSink& sink) {
    ToSink taker(prefix_, stream, sink);
    return splitter(stream).finish(taker);
}

LineSplitter& DriverOutput::splitter(OutputStream stream) {
    return stream == OutputStream::out ? out_ : err_;
}

}  // namespace opslab::exec
