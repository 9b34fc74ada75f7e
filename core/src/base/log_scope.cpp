#include "base/log_scope.hpp"

#include <utility>

namespace opslab {

namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
thread_local const LogScope* current_scope = nullptr;

}  // namespace

LogScope::LogScope(std::vector<LogField> fields)
    : fields_(std::move(fields)), before_(std::exchange(current_scope, this)) {}

LogScope::~LogScope() {
    current_scope = before_;
}

std::span<const LogField> LogScope::fields() {
    return current_scope == nullptr ? std::span<const LogField>{} : current_scope->fields_;
}

std::string LogScope::words(std::span<const LogField> fields) {
    std::string text;
    for (const auto& [name, value] : fields) {
        text += (text.empty() ? "" : ", ") + std::string{name} + " " + value;
    }
    return text;
}

}  // namespace opslab
