#include "http/browser_guard.hpp"

#include <gmock/gmock.h>

#include <ostream>

namespace opslab {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

HttpRequest request_with(
    HttpMethod method, const std::vector<std::pair<std::string, std::string>>& fields
) {
    HttpRequest request;
    request.method = method;
    for (const auto& [name, value] : fields) {
        request.headers.add(name, value);
    }
    return request;
}

struct HostCase {
    std::string host;
    bool local;
};

void PrintTo(const HostCase& each, std::ostream* out) {
    *out << '"' << each.host << '"';
}

class LocalHosts : public ::testing::TestWithParam<HostCase> {};

TEST_P(LocalHosts, AreAddressesLocalhostAndNamesOfOneWord) {
    const auto request = request_with(HttpMethod::get, {{"Host", GetParam().host}});

    EXPECT_EQ(why_foreign(request, HostRule::local).empty(), GetParam().local);
    EXPECT_THAT(std::string(why_foreign(request, HostRule::any)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Names,
    LocalHosts,
    ::testing::Values(
        HostCase{"127.0.0.1:8000", true},
        HostCase{"10.1.2.3", true},
        HostCase{"[::1]:8000", true},
        HostCase{"LocalHost:8000", true},
        HostCase{"localhost.", true},
        HostCase{"a.localhost:1", true},
        HostCase{"", true},
        HostCase{"rebound.example:8000", false},
        HostCase{"localhost.example", false},
        HostCase{"opslab:8000", true},
        HostCase{"notlocalhost.example", false},
        HostCase{"127.0.0.1.example", false},
        HostCase{"127.0.0.1x:8000", false}
    )
);

TEST(LocalHosts, NeedNoHostInTheOldVersion) {
    EXPECT_THAT(
        std::string(why_foreign(request_with(HttpMethod::get, {}), HostRule::local)), IsEmpty()
    );
}

struct SiteCase {
    const char* name;
    HttpMethod method;
    std::vector<std::pair<std::string, std::string>> fields;
    bool foreign;
};

void PrintTo(const SiteCase& each, std::ostream* out) {
    *out << each.name;
}

class OtherSites : public ::testing::TestWithParam<SiteCase> {};

TEST_P(OtherSites, MayChangeNothing) {
    auto fields = GetParam().fields;
    fields.emplace_back("Host", "127.0.0.1:8000");

    const auto why = why_foreign(request_with(GetParam().method, fields), HostRule::any);

    EXPECT_EQ(!why.empty(), GetParam().foreign) << why;
    if (GetParam().foreign) {
        EXPECT_THAT(std::string(why), HasSubstr("another site"));
    }
}

constexpr auto kPostIt = HttpMethod::post;

INSTANTIATE_TEST_SUITE_P(
    Headers,
    OtherSites,
    ::testing::Values(
        SiteCase{"Program", kPostIt, {}, false},
        SiteCase{"OwnPage", kPostIt, {{"Sec-Fetch-Site", "same-origin"}}, false},
        SiteCase{"AddressBar", kPostIt, {{"Sec-Fetch-Site", "none"}}, false},
        SiteCase{"CrossSite", kPostIt, {{"Sec-Fetch-Site", "cross-site"}}, true},
        SiteCase{"SameSite", HttpMethod::del, {{"Sec-Fetch-Site", "same-site"}}, true},
        SiteCase{"OwnOrigin", kPostIt, {{"Origin", "http://127.0.0.1:8000"}}, false},
        SiteCase{"OtherPort", kPostIt, {{"Origin", "http://127.0.0.1:9000"}}, true},
        SiteCase{"OtherOrigin", kPostIt, {{"Origin", "https://evil.example"}}, true},
        SiteCase{"NoOrigin", HttpMethod::del, {{"Origin", "null"}}, true},
        SiteCase{"Reading", HttpMethod::get, {{"Sec-Fetch-Site", "cross-site"}}, false}
    ),
    [](const auto& each) { return each.param.name; }
);

}  // namespace
}  // namespace opslab
