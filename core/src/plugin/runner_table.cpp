#include "plugin/runner_table.hpp"

#include "plugin/bounded_text.hpp"
#include "plugin/guarded_runner.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

namespace opslab::plugin {

namespace {

/// The table as it was filled: whole, and no required function null.
Status check_table(const opslab_runner& table, const std::string& subject) {
    const std::size_t wanted = offsetof(opslab_runner, close) + sizeof(opslab_runner::close);
    if (table.struct_size < wanted || table.struct_size > sizeof(opslab_runner)) {
        return fail(
            Errc::unsupported,
            subject + ": its table has " + std::to_string(table.struct_size) + " bytes, wanted " +
                std::to_string(wanted)
        );
    }
    const std::pair<const char*, bool> required[] = {
        {"start", table.start != nullptr},
        {"wait", table.wait != nullptr},
        {"stop", table.stop != nullptr},
        {"destroy", table.destroy != nullptr},
        {"list_owned", table.list_owned != nullptr},
        {"close", table.close != nullptr},
    };
    for (const auto& [name, there] : required) {
        if (!there) {
            return fail(
                Errc::unsupported,
                subject + ": its table lacks the function " + name + ", which is required"
            );
        }
    }
    return {};
}

Errc errc_of(std::int32_t answer) {
    switch (answer) {
        case OPSLAB_E_INVALID:
            return Errc::invalid_argument;
        case OPSLAB_E_INFRASTRUCTURE:
            return Errc::unavailable;
        case OPSLAB_E_UNSUPPORTED:
            return Errc::unsupported;
        default:
            return Errc::internal;
    }
}

}  // namespace

Result<opslab_runner> make_runner_table(
    const Library& library,
    const opslab_host* host,
    const std::string& config_json,
    const std::string& subject
) {
    opslab_runner table{};
    table.struct_size = sizeof(opslab_runner);
    BoundedText error{kMaxErrorBytes};
    try {
        const auto answer =
            library.create_runner()(host, config_json.c_str(), &table, error.writer());
        if (answer != OPSLAB_OK) {
            return fail(errc_of(answer), subject + ": " + error.readable());
        }
        if (const auto whole = check_table(table, subject); !whole) {
            if (table.close != nullptr) {
                table.close(table.self);
            }
            return fail(whole.error());
        }
        return table;
    } catch (const std::exception& thrown) {
        return fail(
            Errc::internal,
            subject +
                ": it threw while being created: " + readable_text(thrown.what(), kMaxErrorBytes)
        );
    } catch (...) {
        return fail(
            Errc::internal, subject + ": it threw an unknown exception while being created"
        );
    }
}

}  // namespace opslab::plugin
