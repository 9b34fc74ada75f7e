#include "http/wire.hpp"

#include <gmock/gmock.h>

namespace opslab::wire {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Wire, HeadTellsTheLengthAndSendsNoBody) {
    const auto text = response(json_response(200, "{}"), HttpMethod::head, Connection::keep_alive);

    EXPECT_THAT(text, HasSubstr("Content-Length: 2\r\n"));
    EXPECT_THAT(text, EndsWith("\r\n\r\n"));
}

TEST(Wire, NoContentHasNeitherBodyNorLength) {
    const auto text = response(json_response(204, "x"), HttpMethod::get, Connection::keep_alive);

    EXPECT_THAT(text, Not(HasSubstr("Content-")));
    EXPECT_THAT(text, EndsWith("\r\n\r\n"));
}

TEST(Wire, HeaderValueCannotBeginAnotherHeader) {
    HttpResponse answer;
    answer.headers.add("Location", "/a\r\nSet-Cookie: x\r\n\r\nbody");

    const auto text = response(answer, HttpMethod::get, Connection::keep_alive);

    EXPECT_THAT(text, HasSubstr("Location: /a  Set-Cookie: x    body\r\n"));
    EXPECT_THAT(text, Not(HasSubstr("\r\nSet-Cookie")));
}

TEST(Wire, ChunkTellsItsSizeInHexadecimal) {
    EXPECT_EQ(chunk(std::string(26, 'x')), "1a\r\n" + std::string(26, 'x') + "\r\n");
}

}  // namespace
}  // namespace opslab::wire
