#include <opslab/docker/engine_address.hpp>

#include <gmock/gmock.h>

#include <string>

namespace opslab::docker {
namespace {

using ::testing::HasSubstr;

TEST(EngineAddress, WithoutASettingDockerHostDecides) {
    EXPECT_EQ(engine_address("", "tcp://10.0.0.1:2375")->authority, "10.0.0.1:2375");
    EXPECT_EQ(
        engine_address("", "unix:///run/user/0/docker.sock")->socket_path, "/run/user/0/docker.sock"
    );
}

TEST(EngineAddress, SettingWinsOverDockerHost) {
    EXPECT_EQ(
        engine_address("/run/podman.sock", "tcp://10.0.0.1:2375")->socket_path, "/run/podman.sock"
    );
}

TEST(EngineAddress, WithoutBothItIsTheUsualSocket) {
    EXPECT_EQ(engine_address("", "")->text(), "unix:///var/run/docker.sock");
}

TEST(EngineAddress, TextIsAsPeopleWriteIt) {
    for (const std::string text : {"unix:///a/b.sock", "tcp://host:1", "tcp://[::1]:2375"}) {
        const auto address = engine_address(text, "");
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->text(), text);
    }
}

TEST(EngineAddress, WhatIsNoAddressIsRefusedAndNamed) {
    for (const std::string text :
         {"docker.sock",
          "unix://relative.sock",
          "unix://",
          "tcp://",
          "tcp://host",
          "tcp://:2375",
          "tcp://host:",
          "tcp://host:port",
          "tcp://host:123456",
          "tcp://host/path:80",
          "tcp://user@host:80",
          "http://host:2375",
          "ssh://host"}) {
        const auto address = engine_address(text, "");
        ASSERT_FALSE(address) << text;
        EXPECT_EQ(address.error().code, EngineErrc::refused);
        EXPECT_THAT(address.error().message, HasSubstr(text));
    }
}

TEST(EngineAddress, SocketPathThatNoSocketCanHaveIsRefused) {
    EXPECT_TRUE(engine_address("/" + std::string(106, 'p'), ""));
    EXPECT_FALSE(engine_address("/" + std::string(107, 'p'), ""));
    EXPECT_FALSE(engine_address(std::string("/a\0b", 4), ""));
}

}  // namespace
}  // namespace opslab::docker
