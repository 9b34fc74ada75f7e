#include "callback/delivery_message.hpp"

#include "base/json.hpp"
#include "domain/task_codec.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace opslab {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Eq;
using ::testing::Not;
using ::testing::StartsWith;

const Delivery kDelivery{
    .id = DeliveryId{"0194b9c2-0000-7000-8000-000000000001"},
    .task = TaskId{"0194b9c2-0000-7000-8000-000000000002"},
    .status = TaskStatus::timeout,
    .url = "https://example.org/hook"};

TaskDetail a_detail() {
    TaskDetail detail;
    detail.task.id = kDelivery.task;
    detail.task.status = TaskStatus::timeout;
    return detail;
}

// RFC 4231, test case 2
TEST(Signature, IsTheHmacOfTheBodyInHexadecimal) {
    EXPECT_THAT(
        signature_of("what do ya want for nothing?", "Jefe"),
        Eq("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    );
}

TEST(Message, IsTheTaskInDetailWithItsEventAndDelivery) {
    const auto post = make_message(kDelivery, a_detail(), {.version = "9.8.7", .secret = {}});

    EXPECT_THAT(post.url, Eq(kDelivery.url));
    EXPECT_THAT(post.body, Eq(dump_json(to_json(a_detail()))));
    EXPECT_THAT(post.headers, Contains("Content-Type: application/json"));
    EXPECT_THAT(post.headers, Contains("User-Agent: opslab/9.8.7"));
    EXPECT_THAT(post.headers, Contains("X-Opslab-Event: task.timeout"));
    EXPECT_THAT(post.headers, Contains("X-Opslab-Delivery: " + kDelivery.id.value));
}

TEST(Message, IsSignedOnlyWithASecretAndNeverHoldsIt) {
    const auto open = make_message(kDelivery, a_detail(), {.version = "1", .secret = {}});
    const auto closed = make_message(kDelivery, a_detail(), {.version = "1", .secret = "hush"});

    EXPECT_THAT(open.headers, Each(Not(StartsWith("X-Opslab-Signature"))));
    EXPECT_THAT(
        closed.headers, Contains("X-Opslab-Signature-256: " + signature_of(closed.body, "hush"))
    );
    EXPECT_THAT(closed.headers, Each(Not(::testing::HasSubstr("hush"))));
}

}  // namespace
}  // namespace opslab
