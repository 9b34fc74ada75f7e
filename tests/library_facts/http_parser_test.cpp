#include <gtest/gtest.h>
#include <http_parser.h>

#include <string>

/// What the parser under RESTinio lets pass, which is why `http/framing_check.cpp` exists. A test
/// that fails with a newer parser says that a part of it may go.
namespace opslab {
namespace {

http_errno parse(const std::string& bytes) {
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    http_parser_execute(&parser, &settings, bytes.data(), bytes.size());
    return HTTP_PARSER_ERRNO(&parser);
}

TEST(HttpParserFacts, LineMayEndInLfAlone) {
    EXPECT_EQ(parse("GET / HTTP/1.1\nHost: a\n\n"), HPE_OK);
}

TEST(HttpParserFacts, FieldMayBeFolded) {
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n"), HPE_OK);
}

TEST(HttpParserFacts, LengthBesideChunkedIsRefused) {
    EXPECT_EQ(
        parse("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        HPE_UNEXPECTED_CONTENT_LENGTH
    );
}

TEST(HttpParserFacts, TwoLengthsAreRefused) {
    EXPECT_EQ(
        parse("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        HPE_UNEXPECTED_CONTENT_LENGTH
    );
}

TEST(HttpParserFacts, ChunkedIsTakenInHttp10) {
    EXPECT_EQ(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), HPE_OK);
}

}  // namespace
}  // namespace opslab
