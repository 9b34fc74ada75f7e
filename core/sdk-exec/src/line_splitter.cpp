#include <opslab/exec/line_splitter.hpp>

#include <algorithm>

namespace opslab::exec {
namespace {

// what a long line made the buffer grow to is given back beyond this
constexpr std::size_t kKeptCapacity = std::size_t{64} * 1024;

}  // namespace

LineSplitter::Fed LineSplitter::feed(std::string_view bytes, LineTaker& taker) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::size_t end = bytes.find('\n', at);
        if (end == std::string_view::npos) {
            keep(bytes.substr(at));
            return {bytes.size(), SinkAnswer::go_on};
        }
        const SinkAnswer answer = deliver(bytes.substr(at, end - at), taker);
        at = end + 1;
        if (answer == SinkAnswer::leave_off) {
            return {at, answer};
        }
    }
    return {at, SinkAnswer::go_on};
}

SinkAnswer LineSplitter::finish(LineTaker& taker) {
    if (partial_.empty()) {
        return SinkAnswer::go_on;
    }
    return deliver({}, taker);
}

SinkAnswer LineSplitter::deliver(std::string_view piece, LineTaker& taker) {
    if (partial_.empty() && piece.size() <= max_line_) {
        return taker.line(piece, false);  // the usual case: nothing is copied
    }
    keep(piece);
    const SinkAnswer answer = taker.line(partial_, is_cut_);
    forget();
    return answer;
}

void LineSplitter::keep(std::string_view piece) {
    const std::size_t room = max_line_ - partial_.size();
    is_cut_ = is_cut_ || piece.size() > room;
    partial_.append(piece.substr(0, std::min(piece.size(), room)));
}

void LineSplitter::forget() {
    is_cut_ = false;
    partial_.clear();
    if (partial_.capacity() > kKeptCapacity) {
        partial_ = std::string{};
    }
}

}  // namespace opslab::exec
