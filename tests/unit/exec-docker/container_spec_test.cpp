#include "container_spec.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace opslab::docker {
namespace {

using ::testing::IsSupersetOf;

nlohmann::json body_of(const ContainerSpec& spec) {
    RunRequest request;
    request.run_id = "run-1";
    return nlohmann::json::parse(container_body(spec, {}, request, "@@prefix:"));
}

TEST(ContainerBody, TakesFromTheContainerWhatNoDriverNeeds) {
    const auto host = body_of({}).at("HostConfig");

    EXPECT_EQ(host.at("SecurityOpt"), nlohmann::json({"no-new-privileges"}));
    EXPECT_THAT(
        host.at("CapDrop").get<std::vector<std::string>>(),
        IsSupersetOf({"NET_RAW", "MKNOD", "SETPCAP", "SYS_CHROOT"})
    );
    EXPECT_GT(host.at("PidsLimit").get<int>(), 0);
    for (const char* power :
         {"Privileged",
          "CapAdd",
          "Binds",
          "Mounts",
          "Devices",
          "PidMode",
          "IpcMode",
          "UsernsMode",
          "PublishAllPorts"}) {
        EXPECT_FALSE(host.contains(power)) << power;
    }
}

TEST(ContainerBody, BoundsAreTheSettings) {
    ContainerSpec spec;
    spec.memory_bytes = 1000;
    spec.nano_cpus = 7;
    spec.is_read_only = true;

    const auto host = body_of(spec).at("HostConfig");

    EXPECT_EQ(host.at("Memory"), 1000);
    EXPECT_EQ(host.at("MemorySwap"), 1000) << "no swap beside";
    EXPECT_EQ(host.at("NanoCpus"), 7);
    EXPECT_EQ(host.at("ReadonlyRootfs"), true);
}

TEST(ContainerBody, TheEventPrefixIsInNoVariable) {
    const auto body = body_of({});

    EXPECT_EQ(body.at("Env").dump().find("@@prefix:"), std::string::npos);
    EXPECT_FALSE(body.contains("Cmd")) << "nor in an argument";
}

}  // namespace
}  // namespace opslab::docker
