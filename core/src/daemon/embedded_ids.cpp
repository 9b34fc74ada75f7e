#include "daemon/embedded_ids.hpp"

#include "base/json.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace opslab {

namespace {

constexpr int kNamesInOneFolder = 100;
constexpr std::size_t kNameLength = 36;

tl::unexpected<Error> cannot(const std::filesystem::path& file, int error) {
    return fail(
        Errc::unavailable,
        "cannot use the file \"" + file.string() + "\": " + std::generic_category().message(error)
    );
}

}  // namespace

Result<std::unique_ptr<EmbeddedIds>> EmbeddedIds::open(
    const std::filesystem::path& state, WorkerStore& workers, Clock& clock, Entropy& entropy
) {
    std::error_code error;
    std::filesystem::create_directories(state, error);
    for (int number = 1; number <= kNamesInOneFolder; ++number) {
        const auto file = state / ("coordinator-" + std::to_string(number) + ".id");
        const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (lock < 0) {
            return cannot(file, errno);
        }
        std::unique_ptr<EmbeddedIds> ids{new EmbeddedIds{workers, lock, {}}};
        if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
            continue;
        }
        std::array<char, kNameLength> kept{};
        const auto got = ::pread(lock, kept.data(), kept.size(), 0);
        if (std::cmp_equal(got, kNameLength)) {
            ids->name_.assign(kept.data(), kept.size());
            return ids;
        }
        ids->name_ = make_uuid(clock.now(), entropy);
        const bool written =
            ::ftruncate(lock, 0) == 0 &&
            std::cmp_equal(::pwrite(lock, ids->name_.data(), kNameLength, 0), kNameLength) &&
            ::fsync(lock) == 0;
        if (!written) {
            return cannot(file, errno);
        }
        return ids;
    }
    return fail(
        Errc::exhausted, "100 coordinators use the state folder \"" + state.string() + "\" already"
    );
}

EmbeddedIds::~EmbeddedIds() {
    ::close(lock_);
}

std::string EmbeddedIds::metadata_json() const {
    return dump_json(Json{{"coordinator", name_}});
}

Result<bool> EmbeddedIds::take(const NewWorker& worker) {
    const auto known = workers_.find(worker.id);
    if (known) {
        const auto metadata = Json::parse(known->metadata_json, nullptr, false);
        return metadata.is_object() && metadata.value("coordinator", Json()) == Json(name_);
    }
    if (known.error().code != Errc::not_found) {
        return fail(known.error());
    }
    // of two that take it at the same moment the database lets one
    const auto enrolled = workers_.enroll(worker, Takeover::refuse);
    if (!enrolled && enrolled.error().code != Errc::conflict) {
        return fail(enrolled.error());
    }
    return enrolled.has_value();
}

}  // namespace opslab
