#include "wake_channel.hpp"

#include <libpq-fe.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

namespace opslab::postgres {

namespace {

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

// A payload must stay under 8,000 bytes.
constexpr std::size_t kNamesInOne = 100;
constexpr std::size_t kNamesWorthTelling = 2000;
constexpr int kGatherMilliseconds = 20;
constexpr int kAgainMilliseconds = 1000;

// Coordinators of another schema of the same database have another channel.
constexpr const char* kListen =
    "DO $do$ BEGIN EXECUTE format('LISTEN %I', 'opslab_' || current_schema()); END $do$";
constexpr const char* kNotify = "SELECT pg_notify('opslab_' || current_schema(), $1)";

bool succeeded(const Answer& answer) {
    const auto status = PQresultStatus(answer.get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

bool notify(PGconn* connection, const nlohmann::json& payload) {
    const auto text = payload.dump();
    const std::array<const char*, 1> values{text.c_str()};
    const Answer answer{
        PQexecParams(connection, kNotify, 1, nullptr, values.data(), nullptr, nullptr, 0),
        &PQclear};
    return succeeded(answer);
}

}  // namespace

WakeChannel::WakeChannel(std::string conninfo, Logger& logger)
    : conninfo_(std::move(conninfo)),
      logger_(logger),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (bell_ < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    thread_ = std::thread([this] { run(); });
}

WakeChannel::~WakeChannel() {
    {
        const std::scoped_lock guard{outgoing_mutex_};
        stopping_ = true;
    }
    ended_.notify_all();
    ring();
    thread_.join();
    ::close(bell_);
}

void WakeChannel::listen(Listener* listener) {
    const std::scoped_lock guard{listener_mutex_};
    listener_ = listener;
}

void WakeChannel::tell(const sql::Touched& touched) noexcept {
    try {
        const std::scoped_lock guard{outgoing_mutex_};
        outgoing_.pending = outgoing_.pending || touched.pending;
        if (outgoing_.tasks.size() > kNamesWorthTelling) {
            outgoing_.anything = true;
        } else {
            outgoing_.tasks.insert(touched.tasks.begin(), touched.tasks.end());
            outgoing_.workers.insert(touched.workers.begin(), touched.workers.end());
        }
    } catch (const std::exception&) {
        // out of memory: others find out by their polls
        return;
    }
    ring();
}

void WakeChannel::ring() const noexcept {
    const std::uint64_t one = 1;
    // it can only fail where it rings already
    static_cast<void>(!::write(bell_, &one, sizeof one));
}

bool WakeChannel::stopping() {
    const std::scoped_lock guard{outgoing_mutex_};
    return stopping_;
}

// False: the channel ends.
bool WakeChannel::pause(int milliseconds) {
    // not on the bell: it rings for what is to be sent too
    std::unique_lock lock{outgoing_mutex_};
    ended_.wait_for(lock, std::chrono::milliseconds{milliseconds}, [this] { return stopping_; });
    return !stopping_;
}

void WakeChannel::run() {
    bool warned = false;
    bool first = true;
    while (!stopping()) {
        const Connection connection{PQconnectdb(conninfo_.c_str()), &PQfinish};
        const bool listens =
            PQstatus(connection.get()) == CONNECTION_OK &&
            succeeded(Answer{PQexec(connection.get(), "SET statement_timeout = '15s'"), &PQclear}
            ) &&
            succeeded(Answer{PQexec(connection.get(), kListen), &PQclear});
        if (listens) {
            if (!first) {
                log(logger_, LogLevel::info, "wake-ups from other coordinators are back");
                const std::scoped_lock guard{listener_mutex_};
                if (listener_ != nullptr) {
                    listener_->anything_changed();
                }
            }
            first = false;
            warned = false;
            while (serve(connection.get())) {
            }
        }
        if (!stopping() && !std::exchange(warned, true)) {
            log(logger_,
                LogLevel::warning,
                "no wake-ups from other coordinators: the database's connection is gone; trying "
                "again each second");
        }
        pause(kAgainMilliseconds);
    }
}

// One round; false: the connection is gone or the channel ends.
bool WakeChannel::serve(PGconn* connection) {
    std::array<pollfd, 2> both{
        pollfd{.fd = bell_, .events = POLLIN, .revents = 0},
        pollfd{.fd = PQsocket(connection), .events = POLLIN, .revents = 0}};
    ::poll(both.data(), both.size(), -1);
    if (stopping()) {
        return false;
    }
    if (both[0].revents != 0) {
        // what is committed within this time goes out together
        if (!pause(kGatherMilliseconds)) {
            return false;
        }
        std::uint64_t rings = 0;
        static_cast<void>(!::read(bell_, &rings, sizeof rings));
        Outgoing outgoing;
        {
            const std::scoped_lock guard{outgoing_mutex_};
            std::swap(outgoing, outgoing_);
        }
        if (!outgoing.empty() && !send(connection, std::move(outgoing))) {
            tell(sql::Touched{.pending = true});
            const std::scoped_lock guard{outgoing_mutex_};
            outgoing_.anything = true;
            return false;
        }
    }
    if (PQconsumeInput(connection) == 0) {
        return false;
    }
    receive(connection);
    return true;
}

bool WakeChannel::send(PGconn* connection, Outgoing outgoing) {
    if (outgoing.anything) {
        return notify(connection, {{"anything", true}});
    }
    bool pending = outgoing.pending;
    do {
        nlohmann::json payload{{"tasks", nlohmann::json::array()}};
        if (std::exchange(pending, false)) {
            payload["pending"] = true;
        }
        for (std::size_t i = 0; i < kNamesInOne && !outgoing.tasks.empty(); ++i) {
            payload["tasks"].push_back(outgoing.tasks.extract(outgoing.tasks.begin()).value());
        }
        for (std::size_t i = 0; i < kNamesInOne / 4 && !outgoing.workers.empty(); ++i) {
            payload["workers"].push_back(outgoing.workers.extract(outgoing.workers.begin()).value()
            );
        }
        if (!notify(connection, payload)) {
            return false;
        }
    } while (!outgoing.tasks.empty() || !outgoing.workers.empty());
    return true;
}

void WakeChannel::receive(PGconn* connection) {
    while (auto* arrived = PQnotifies(connection)) {
        const std::unique_ptr<PGnotify, decltype(&PQfreemem)> notice{arrived, &PQfreemem};
        const bool our_own = notice->be_pid == PQbackendPID(connection);
        if (!our_own) {
            deliver(notice->extra);
        }
    }
}

void WakeChannel::deliver(const std::string& payload) {
    // anyone with the right to connect may send anything
    const auto news = nlohmann::json::parse(payload, nullptr, false);
    const std::scoped_lock guard{listener_mutex_};
    if (listener_ == nullptr || !news.is_object()) {
        return;
    }
    if (news.contains("anything")) {
        listener_->anything_changed();
        return;
    }
    if (news.contains("pending")) {
        listener_->tasks_pending();
    }
    for (const auto& id : news.value("tasks", nlohmann::json::array())) {
        if (id.is_string()) {
            listener_->task_changed(TaskId{id.get<std::string>()});
        }
    }
    for (const auto& id : news.value("workers", nlohmann::json::array())) {
        if (id.is_string()) {
            listener_->worker_should_look(WorkerId{id.get<std::string>()});
        }
    }
}

}  // namespace opslab::postgres
