#include <opslab/docker/engine_address.hpp>
#include <opslab/sql/statements.hpp>

#include <array>
#include <string_view>

int main() {
    const auto address = opslab::docker::engine_address("tcp://127.0.0.1:2375", "");
    const std::array<std::string_view, 1> files{"-- name: task.count\nSELECT 1\n"};
    const auto statements = opslab::sql::StatementTable::parse(files);
    const bool is_fine = address && address->authority == "127.0.0.1:2375" && statements &&
                         statements->find("task.count") != nullptr;
    return is_fine ? 0 : 1;
}
