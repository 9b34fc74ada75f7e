#pragma once

#include "connection.hpp"
#include "wake_channel.hpp"

#include <opslab/sql/database.hpp>

#include <memory>
#include <string>

namespace opslab::postgres {

/// What is PostgreSQL's own: how a session is set up and what its failures mean. Threads: any.
class PostgresDialect final : public sql::Dialect {
public:
    /// `wake` may be null: nobody is told of changes.
    explicit PostgresDialect(Settings settings, std::shared_ptr<WakeChannel> wake = nullptr)
        : settings_(std::move(settings)), wake_(std::move(wake)) {}

    [[nodiscard]] std::unique_ptr<soci::session> connect() override;
    /// Whether the server takes connections, ours or not: where it does, a failed `connect` is for
    /// its user, password or database. As long as `connect_timeout` at most.
    [[nodiscard]] bool server_answers() const;
    [[nodiscard]] Error describe(const std::exception& thrown) const override;
    [[nodiscard]] sql::Trouble trouble(const std::exception& thrown) const override;

    void committed(const sql::Touched& touched) noexcept override;

    [[nodiscard]] std::string begin_read() const override {
        return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    }

    /// Rows are locked before they are read, and each statement sees what was committed before it.
    [[nodiscard]] std::string begin_write() const override {
        return "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    }

private:
    Settings settings_;
    std::shared_ptr<WakeChannel> wake_;
};

}  // namespace opslab::postgres
