#include "failures.hpp"

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <string_view>

namespace opslab::postgres {

namespace {

// Blank where the connection broke before the server could say anything.
std::string state_of(const soci::postgresql_soci_error& failure) {
    auto state = failure.sqlstate();
    return state.find_first_not_of(' ') == std::string::npos ? std::string{"08006"} : state;
}

bool is_disconnection(std::string_view state) {
    // 57P01 to 57P05: the server ends this session; 25P03: we left a transaction open too long
    return state.starts_with("08") || state.starts_with("57P") || state == "25P03";
}

Error by_state(const std::string& state, const std::string& location) {
    const std::string database = "the database ";
    const auto detail = location + ": SQLSTATE " + state;
    const std::string_view kind{state};
    if (is_disconnection(kind)) {
        return {Errc::unavailable, database + "is away", detail};
    }
    if (kind.starts_with("53")) {
        return {
            Errc::unavailable, database + "has no room left (disk, memory or connections)", detail};
    }
    if (kind == "57014" || kind == "55P03") {
        return {Errc::timeout, database + "did not answer in time", detail};
    }
    if (kind == "40001" || kind == "40P01" || kind == "23505") {
        return {
            Errc::unavailable, database + "is too busy: others were in the way each time", detail};
    }
    if (kind == "25006") {
        return {Errc::unavailable, database + "is read-only", detail};
    }
    if (kind.starts_with("28") || kind == "42501") {
        // a client is not at fault: for it the storage is away
        return {Errc::unavailable, database + "refuses this user", detail};
    }
    if (kind.starts_with("58") || kind.starts_with("XX")) {
        return {Errc::unavailable, database + "is damaged or cannot read its files", detail};
    }
    return {Errc::internal, "the database refused a statement", detail};
}

}  // namespace

Error describe_failure(const std::exception& thrown, const std::string& location) {
    if (const auto* failure = dynamic_cast<const soci::postgresql_soci_error*>(&thrown)) {
        return by_state(state_of(*failure), location);
    }
    if (const auto* failure = dynamic_cast<const soci::soci_error*>(&thrown)) {
        // of a connection that was not made: libpq's words name host and user, never the password
        return {
            Errc::unavailable,
            "the database cannot be reached",
            location + ": " + failure->get_error_message()};
    }
    return {Errc::internal, "the storage met what it did not expect", thrown.what()};
}

sql::Trouble trouble_of(const std::exception& thrown) {
    if (const auto* failure = dynamic_cast<const soci::postgresql_soci_error*>(&thrown)) {
        const auto state = state_of(*failure);
        if (is_disconnection(state)) {
            return sql::Trouble::disconnected;
        }
        // a unique violation: another stored the same idempotency key since we looked
        if (state == "40001" || state == "40P01" || state == "23505") {
            return sql::Trouble::collision;
        }
        return sql::Trouble::lasting;
    }
    return dynamic_cast<const soci::soci_error*>(&thrown) != nullptr ? sql::Trouble::disconnected
                                                                     : sql::Trouble::lasting;
}

}  // namespace opslab::postgres
