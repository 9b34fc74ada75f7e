#pragma once

#include <opslab/ids.hpp>
#include <opslab/time.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace opslab {

/// One HTTP POST.
struct Post {
    DeliveryId id{};
    std::string url{};
    std::vector<std::string> headers{};  ///< whole lines, without line ends
    std::string body{};
};

enum class PostEnd : std::uint8_t {
    answered,         ///< with `status`
    refused_address,  ///< it resolves only to addresses that callbacks may not reach
    failed,           ///< no connection, no answer in time, no HTTP
};

struct PostResult {
    DeliveryId id{};
    PostEnd end = PostEnd::failed;
    int status = 0;
    std::string reason{};  ///< for people, where it was not answered
    Duration took{};
};

/// Sends posts, many at a time. Threads: `wake` from any thread, all others from one.
class Poster {
public:
    Poster() = default;
    Poster(const Poster&) = delete;
    Poster& operator=(const Poster&) = delete;
    virtual ~Poster() = default;

    /// Begins a post. Every post that began ends in one result of `wait`.
    virtual void start(Post post) = 0;

    /// Drives the posts until one has ended, `wake` was called or `longest` has passed; the
    /// results of those that ended, perhaps none.
    [[nodiscard]] virtual std::vector<PostResult> wait(Duration longest) = 0;

    /// Breaks off all posts under way, without results. Returns at once.
    virtual void abandon() = 0;

    /// Ends a `wait` that is under way, or the next one.
    virtual void wake() noexcept = 0;
};

}  // namespace opslab
