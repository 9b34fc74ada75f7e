#include "http/inbound_guard.hpp"

#include "http/problem.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>

namespace opslab {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

constexpr InboundLimits kLimits{
    .max_body = 64, .max_url = 100, .max_headers = 400, .max_header_fields = 10};

struct Reading {
    std::size_t messages = 0;
    int status = 0;  ///< 0: everything was fine
    bool continued = false;
    bool unfinished = false;
    std::string passed_on{};
    HttpRequest known{};
    std::string message{};
};

/// Gives `bytes` to a guard, at most `piece` at a time, as the socket does: what was not accepted
/// comes again.
Reading read(const std::string& bytes, std::size_t piece) {
    InboundGuard guard(kLimits);
    Reading reading;
    std::size_t at = 0;
    while (at < bytes.size()) {
        auto part = bytes.substr(at, piece);
        auto verdict = guard.inspect(part.data(), part.size());
        if (verdict.fault) {
            reading.status = http_status_of(verdict.fault->error);
            reading.known = std::move(verdict.fault->known);
            reading.message = verdict.fault->error.message;
            return reading;
        }
        if (verdict.accepted == 0) {
            ADD_FAILURE() << "the guard accepts nothing and finds no fault";
            return reading;
        }
        reading.continued = reading.continued || verdict.wants_continue;
        reading.passed_on.append(part, 0, verdict.accepted);
        at += verdict.accepted;
        reading.messages += guard.in_message() ? 0U : 1U;
    }
    reading.unfinished = guard.in_message();
    return reading;
}

struct Sent {
    const char* name;
    std::string bytes;
    int status;
};

void PrintTo(const Sent& sent, std::ostream* out) {
    *out << sent.name;
}

std::string post(const std::string& fields, const std::string& body) {
    return "POST /tasks HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

class HostileBytes : public ::testing::TestWithParam<Sent> {};

TEST_P(HostileBytes, GetTheSameVerdictInAnyFragmentation) {
    const auto& sent = GetParam();

    for (const std::size_t piece :
         {std::size_t{1},
          std::size_t{2},
          std::size_t{3},
          std::size_t{7},
          std::size_t{16},
          std::size_t{61},
          sent.bytes.size()}) {
        const auto reading = read(sent.bytes, piece);
        EXPECT_EQ(reading.status, sent.status)
            << "in pieces of " << piece << ": " << reading.message;
    }
}

const std::string kChunked = "Transfer-Encoding: chunked\r\n";

INSTANTIATE_TEST_SUITE_P(
    Smuggling,
    HostileBytes,
    ::testing::Values(
        Sent{"LengthAndChunked", post("Content-Length: 5\r\n" + kChunked, "0\r\n\r\n"), 400},
        Sent{"ChunkedAndLength", post(kChunked + "Content-Length: 5\r\n", "0\r\n\r\n"), 400},
        Sent{"TwoLengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400},
        Sent{"SameLengthTwice", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
        Sent{"LengthList", post("Content-Length: 5, 5\r\n", "hello"), 400},
        Sent{"NegativeLength", post("Content-Length: -1\r\n", ""), 400},
        Sent{"SignedLength", post("Content-Length: +5\r\n", "hello"), 400},
        Sent{"HexLength", post("Content-Length: 0x5\r\n", "hello"), 400},
        Sent{"EmptyLength", post("Content-Length: \r\n", ""), 400},
        Sent{"HugeLength", post("Content-Length: 99999999999999999999999\r\n", ""), 400},
        Sent{"BlankBeforeColon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
        Sent{"BlankInName", post("Content Length: 5\r\n", "hello"), 400},
        Sent{"Folded", post("X-A: b\r\n c\r\n", ""), 400},
        Sent{"FoldedCoding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400},
        Sent{"BareLf", "GET / HTTP/1.1\nHost: a\n\n", 400},
        Sent{"BareLfInFields", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
        Sent{"BareLfAtTheEnd", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
        Sent{"BareCr", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400},
        Sent{"LineEndInTheVersion", "GET / H\r\n\r\n1.1\r\nHost: a\r\n\r\n", 400},
        Sent{"ChunksAfterThat", "GET / H\r\n\r\n1.1\r\nHost: a\r\n" + kChunked + "\r\n", 400},
        Sent{"OtherWordAsVersion", "GET / HABC/1.1\r\nHost: a\r\n\r\n", 400},
        Sent{"TwoBlanksBeforeTheTarget", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Sent{"TwoBlanksBeforeTheVersion", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Sent{"NulInValue", post(std::string("X-A: b\0c\r\n", 10), ""), 400},
        Sent{"NoColon", post("nonsense\r\n", ""), 400},
        Sent{"EmptyName", post(": x\r\n", ""), 400},
        Sent{"UnknownCoding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
        Sent{"CodingBeforeChunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
        Sent{"CodingAfterChunked", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400},
        Sent{"ChunkedTwice", post(kChunked + kChunked, "0\r\n\r\n"), 400},
        Sent{"ChunkedAndIdentity", post(kChunked + "Transfer-Encoding: x\r\n", "0\r\n\r\n"), 400},
        Sent{"ChunkedInHttp10", "POST / HTTP/1.0\r\n" + kChunked + "\r\n0\r\n\r\n", 400}
    ),
    [](const auto& each) { return each.param.name; }
);

INSTANTIATE_TEST_SUITE_P(
    Hosts,
    HostileBytes,
    ::testing::Values(
        Sent{"None", "GET / HTTP/1.1\r\n\r\n", 400},
        Sent{"NoneInHttp10", "GET / HTTP/1.0\r\n\r\n", 0},
        Sent{"Two", post("Host: b\r\n", ""), 400},
        Sent{"TwoAlike", post("HOST: a\r\n", ""), 400},
        Sent{"TwoInHttp10", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        Sent{"List", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        Sent{"WithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        Sent{"WithUser", "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n", 400},
        Sent{"TooLong", "GET / HTTP/1.1\r\nHost: " + std::string(300, 'a') + "\r\n\r\n", 400},
        Sent{"WithPort", "GET / HTTP/1.1\r\nHost: a.example:8000\r\n\r\n", 0},
        Sent{"Address6", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", 0},
        Sent{"BlanksAround", "GET / HTTP/1.1\r\nHost:  a \t\r\n\r\n", 0},
        Sent{"Empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0}
    ),
    [](const auto& each) { return each.param.name; }
);

INSTANTIATE_TEST_SUITE_P(
    Chunks,
    HostileBytes,
    ::testing::Values(
        Sent{"Plain", post(kChunked, "5\r\nhello\r\n0\r\n\r\n"), 0},
        Sent{"CodingInCapitals", post("TRANSFER-ENCODING: Chunked\r\n", "0\r\n\r\n"), 0},
        Sent{"Extension", post(kChunked, "5;a=b\r\nhello\r\n0;c\r\n\r\n"), 0},
        Sent{"Trailer", post(kChunked, "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), 0},
        Sent{"LeadingZeros", post(kChunked, "0005\r\nhello\r\n000\r\n\r\n"), 0},
        Sent{"TooLong", post(kChunked, "40\r\n" + std::string(64, 'a') + "\r\n1\r\na\r\n"), 413},
        Sent{"NegativeSize", post(kChunked, "-5\r\nhello\r\n"), 400},
        Sent{"NoSize", post(kChunked, "\r\nhello\r\n"), 400},
        Sent{"OverflowingSize", post(kChunked, "fffffffffffffffff\r\n"), 400},
        Sent{"WrongEndOfData", post(kChunked, "5\r\nhelloXX0\r\n\r\n"), 400},
        Sent{"BareLfAfterSize", post(kChunked, "5\nhello\r\n0\r\n\r\n"), 400},
        Sent{"CrWithoutLf", post(kChunked, "5\rXhello\r\n0\r\n\r\n"), 400},
        Sent{"BareLfAfterData", post(kChunked, "5\r\nhello\n0\r\n\r\n"), 400},
        Sent{"FoldedTrailer", post(kChunked, "0\r\nX: a\r\n b\r\n\r\n"), 400},
        Sent{"TrailerBombed", post(kChunked, "0\r\nX: " + std::string(500, 'a') + "\r\n\r\n"), 431}
    ),
    [](const auto& each) { return each.param.name; }
);

INSTANTIATE_TEST_SUITE_P(
    Limits,
    HostileBytes,
    ::testing::Values(
        Sent{"LengthAtTheLimit", post("Content-Length: 64\r\n", std::string(64, 'a')), 0},
        Sent{"LengthBeyond", post("Content-Length: 65\r\n", ""), 413},
        Sent{"UrlAtTheLimit", "GET /" + std::string(99, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        Sent{"UrlBeyond", "GET /" + std::string(100, 'a') + " HTTP/1.1\r\n\r\n", 414},
        Sent{"ValueBeyond", post("X: " + std::string(500, 'a') + "\r\n", ""), 431},
        Sent{"NameBeyond", post(std::string(500, 'a') + ": x\r\n", ""), 431},
        Sent{
            "FieldsBeyond",
            post(
                "a: 1\r\na: 2\r\na: 3\r\na: 4\r\na: 5\r\na: 6\r\na: 7\r\na: 8\r\n"
                "a: 9\r\na: 10\r\n",
                ""
            ),
            431},
        Sent{"Version2", "GET / HTTP/2.0\r\n\r\n", 505},
        Sent{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        Sent{"NoVersion", "GET /\r\n\r\n", 505},
        Sent{"Binary", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
        Sent{"Connect", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        Sent{"OtherExpectation", post("Expect: wonders\r\nContent-Length: 1\r\n", ""), 417},
        Sent{"EmptyLinesBefore", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0}
    ),
    [](const auto& each) { return each.param.name; }
);

TEST(InboundGuard, PipelinedMessagesAreToldApartInAnyFragmentation) {
    const auto bytes = post("Content-Length: 5\r\n", "hello") +
                       post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n") +
                       "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        const auto reading = read(bytes, piece);
        EXPECT_EQ(reading.messages, 3U) << piece << " " << reading.message;
        EXPECT_FALSE(reading.unfinished);
        EXPECT_EQ(reading.passed_on, bytes);
    }
}

TEST(InboundGuard, UpgradeLosesItsNameInAnyFragmentation) {
    const std::string bytes =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        const auto reading = read(bytes, piece);
        EXPECT_EQ(reading.messages, 1U);
        EXPECT_THAT(reading.passed_on, ::testing::Not(HasSubstr("\r\nUpgrade:"))) << piece;
        EXPECT_THAT(reading.passed_on, HasSubstr(": websocket"));
    }
}

TEST(InboundGuard, NothingAroundAPieceIsTouched) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";

    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        InboundGuard guard(kLimits);
        auto first = bytes.substr(0, cut);
        auto second = "<" + bytes.substr(cut) + ">";
        static_cast<void>(guard.inspect(first.data(), first.size()));
        static_cast<void>(guard.inspect(second.data() + 1, second.size() - 2));

        EXPECT_EQ(second.front(), '<') << "cut at " << cut;
        EXPECT_EQ(second.back(), '>') << "cut at " << cut;
    }
}

TEST(InboundGuard, ContinueIsWantedUntilTheBodyBegins) {
    const auto fields = "Content-Length: 5\r\nExpect: 100-Continue\r\n";

    EXPECT_TRUE(read(post(fields, ""), 4096).continued);
    EXPECT_FALSE(read(post(fields, "hello"), 4096).continued);
}

TEST(InboundGuard, RefusalCarriesTheClientsOwnId) {
    const auto reading = read(post("X-Request-ID: mine\r\nContent-Length: 65\r\n", ""), 5);

    EXPECT_EQ(reading.status, 413);
    EXPECT_THAT(reading.known.headers.find("X-Request-ID"), Optional(std::string_view("mine")));
    EXPECT_EQ(reading.known.method, HttpMethod::post);
}

TEST(InboundGuard, MethodOfOnesOwnKeepsItsPath) {
    const auto reading = read("BREW /tasks HTTP/1.1\r\n\r\n", 4096);

    EXPECT_EQ(reading.status, 405);
    EXPECT_EQ(reading.known.target, "/tasks");
    EXPECT_EQ(reading.known.method_name, "BREW");
}

}  // namespace
}  // namespace opslab
