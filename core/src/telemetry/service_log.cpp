#include "telemetry/service_log.hpp"

#include "base/json.hpp"
#include "base/rfc3339.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <vector>

namespace opslab {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::critical:
            return spdlog::level::critical;
    }
    return spdlog::level::info;
}

class ServiceLog final : public Logger {
public:
    ServiceLog(ServiceLogFormat format, LogLevel level, Clock& clock)
        : format_(format),
          clock_(clock),
          // not from spdlog's registry: a global would outlive the order of our destructors
          log_("opslab", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        log_.set_pattern("%v");
        log_.set_level(spdlog_level(level));
        log_.flush_on(spdlog::level::debug);
    }

    void log(
        LogLevel level, std::string_view message, std::span<const LogField> fields
    ) noexcept override {
        const auto native = spdlog_level(level);
        if (!log_.should_log(native)) {
            return;
        }
        try {
            log_.log(native, "{}", format_entry(format_, clock_.now(), level, message, fields));
        } catch (const std::exception&) {
            // a log that cannot be written must not end what it tells of
        }
    }

private:
    ServiceLogFormat format_;
    Clock& clock_;
    spdlog::logger log_;
};

std::string quoted(const std::string& value) {
    const bool plain = !value.empty() &&
                       value.find_first_not_of(
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/@+"
                       ) == std::string::npos;
    return plain ? value : Json(value).dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace

std::string format_entry(
    ServiceLogFormat format,
    Timestamp at,
    LogLevel level,
    std::string_view message,
    std::span<const LogField> fields
) {
    std::vector<LogField> said;
    std::copy_if(fields.begin(), fields.end(), std::back_inserter(said), [](const LogField& field) {
        return !field.value.empty();
    });
    if (format == ServiceLogFormat::json) {
        Json entry = {{"time", format_time(at)}, {"level", to_string(level)}, {"message", message}};
        for (const auto& field : said) {
            entry[std::string(field.name)] = field.value;
        }
        return dump_json(entry);
    }
    std::string text = format_time(at) + " " + to_string(level) + " " + std::string(message);
    for (const auto& field : said) {
        text += " " + std::string(field.name) + "=" + quoted(field.value);
    }
    return text;
}

std::unique_ptr<Logger> make_service_log(ServiceLogFormat format, LogLevel level, Clock& clock) {
    return std::make_unique<ServiceLog>(format, level, clock);
}

}  // namespace opslab
