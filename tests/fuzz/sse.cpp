#include "client/sse_parser.hpp"
#include "fuzz/fuzz.hpp"

/// A stream of Server-Sent Events as the client reads it. Promised: cuts change nothing; no event
/// is without data or over the bound; the events, written again, read the same.
namespace opslab::fuzz {
namespace {

constexpr std::size_t kSseBound = 512;

struct SseReading {
    std::vector<cli::SseEvent> events{};
    bool overflowed = false;
};

SseReading read_events(const std::vector<std::string_view>& pieces) {
    SseReading reading;
    cli::SseParser parser(
        [&](const cli::SseEvent& event) {
            reading.events.push_back(event);
            return true;
        },
        kSseBound
    );
    for (const auto piece : pieces) {
        if (!parser.feed(piece)) {
            break;
        }
    }
    reading.overflowed = parser.overflowed();
    return reading;
}

void require_same(const SseReading& left, const SseReading& right, std::string_view input) {
    require(left.events.size() == right.events.size(), "the number of events", input);
    for (std::size_t i = 0; i < left.events.size(); ++i) {
        require(left.events[i].type == right.events[i].type, "an event's type", input);
        require(left.events[i].data == right.events[i].data, "an event's data", input);
        require(left.events[i].id == right.events[i].id, "an event's id", input);
    }
}

void server_sent_events(std::string_view input) {
    const auto whole = read_events({input});
    for (const auto& cut : {pieces_of(input), bytes_of(input)}) {
        const auto other = read_events(cut);
        require(other.overflowed == whole.overflowed, "cuts change no bound", input);
        require_same(whole, other, input);
    }
    std::string written;
    for (const auto& event : whole.events) {
        require(event.data.size() <= kSseBound, "no event is over the bound", event.data);
        written += "id: " + event.id + "\nevent: " + event.type + "\ndata: ";
        for (const char c : event.data) {
            written += c == '\n' ? std::string("\ndata: ") : std::string(1, c);
        }
        written += "\n\n";
    }
    const auto again = read_events({written});
    if (!again.overflowed) {
        require_same(whole, again, written);
    }
}

const Registration kServerSentEvents{"sse", server_sent_events};

}  // namespace
}  // namespace opslab::fuzz
