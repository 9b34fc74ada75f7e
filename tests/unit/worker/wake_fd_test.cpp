#include "worker/wake_fd.hpp"

#include "base/system_clock.hpp"
#include "worker/lease.hpp"

#include <opslab/testing/fakes.hpp>

#include <gtest/gtest.h>
#include <poll.h>

namespace opslab {
namespace {

using namespace std::chrono_literals;

constexpr int kForEver = -1;

bool is_readable(const WakeFd& wake, int timeout_ms = 0) {
    pollfd entry{wake.fd(), POLLIN, 0};
    return ::poll(&entry, 1, timeout_ms) == 1;
}

class WakeFdTest : public ::testing::Test {
protected:
    SystemClock clock_;
    WakeFd wake_;
};

TEST_F(WakeFdTest, IsReadableOnceSetAndStaysSo) {
    EXPECT_FALSE(is_readable(wake_));

    wake_.set();
    wake_.set_at(clock_.steady() + 1h);

    EXPECT_TRUE(is_readable(wake_, kForEver));
    EXPECT_TRUE(is_readable(wake_));
}

TEST_F(WakeFdTest, BecomesReadableByItselfAtItsTime) {
    wake_.set_at(clock_.steady() + 1h);
    EXPECT_FALSE(is_readable(wake_));

    const auto when = clock_.steady() + 20ms;
    wake_.set_at(when);

    EXPECT_TRUE(is_readable(wake_, kForEver));
    EXPECT_GE(clock_.steady(), when);
}

TEST_F(WakeFdTest, ATimeThatIsOverCountsAndALaterOneTakesItsPlace) {
    wake_.set_at(SteadyTime{});
    EXPECT_TRUE(is_readable(wake_, kForEver));

    wake_.set_at(clock_.steady() + 1h);

    EXPECT_FALSE(is_readable(wake_));
}

TEST_F(WakeFdTest, ALeaseInForceLetsNothingStartAfterItAndARenewalMovesThat) {
    Lease lease(clock_, nullptr, "r", clock_.steady() - 1h, 60s, &wake_);
    EXPECT_FALSE(is_readable(wake_));

    ASSERT_TRUE(lease.begin());
    EXPECT_TRUE(is_readable(wake_, kForEver));

    lease.renewed(clock_.steady(), 60s);
    EXPECT_FALSE(is_readable(wake_));
}

TEST_F(WakeFdTest, ALeaseOfNoLengthLetsEverythingStart) {
    Lease lease(clock_, nullptr, "r", clock_.steady() - 1h, 0s, &wake_);

    ASSERT_TRUE(lease.begin());

    EXPECT_FALSE(is_readable(wake_));
}

}  // namespace
}  // namespace opslab
