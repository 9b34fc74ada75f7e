#include "base/log_scope.hpp"

#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

namespace opslab {
namespace {

std::string shown() {
    std::string text;
    for (const auto& [name, value] : LogScope::fields()) {
        text += std::string{name} + "=" + value + " ";
    }
    return text;
}

TEST(LogScope, IsOfItsThreadAloneAndTheOuterOneComesBack) {
    EXPECT_EQ(shown(), "");
    const LogScope outer(std::vector<LogField>{{"worker", "w"}});
    {
        const LogScope inner(std::vector<LogField>{{"worker", "w"}, {"task", "t"}});
        EXPECT_EQ(shown(), "worker=w task=t ");
        std::thread([] { EXPECT_EQ(shown(), ""); }).join();
    }
    EXPECT_EQ(shown(), "worker=w ");
}

}  // namespace
}  // namespace opslab
