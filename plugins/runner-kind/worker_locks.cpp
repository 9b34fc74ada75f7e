#include "worker_locks.hpp"

#include "cluster_name.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace opslab::runner_kind {

RunnerResult<exec::UniqueFd> WorkerLocks::take(const WorkerId& worker) const {
    if (!is_worker_name(worker)) {
        return runner_fail(RunnerErrc::invalid, "the worker's id is not of [a-z0-9-]");
    }
    ::mkdir(directory_.c_str(), S_IRWXU);  // what comes of it is seen at once
    const std::string path = directory_ + "/" + worker.value;
    exec::UniqueFd fd(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR)
    );
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
        return fd;
    }
    if (fd && errno == EWOULDBLOCK) {
        return runner_fail(
            RunnerErrc::infrastructure,
            "the clusters of worker \"" + worker.value +
                "\" are another opslab process's, which has the lock \"" + path +
                "\": two with one state directory need different worker ids"
        );
    }
    // read at once, before another call changes it  NOLINTNEXTLINE(concurrency-mt-unsafe)
    const std::string why = std::strerror(errno);
    return runner_fail(RunnerErrc::infrastructure, "cannot lock \"" + path + "\": " + why);
}

}  // namespace opslab::runner_kind
