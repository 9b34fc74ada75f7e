#include "connection.hpp"

#include <libpq-fe.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <memory>

namespace opslab::postgres {

namespace {

using Keywords = std::map<std::string, std::string>;

Result<Keywords> parse(const std::string& url) {
    char* said = nullptr;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options{
        PQconninfoParse(url.c_str(), &said), &PQconninfoFree};
    // libpq's words repeat parts of the text, the password perhaps
    PQfreemem(said);
    if (options == nullptr) {
        return fail(
            Errc::invalid_argument,
            "the setting \"url\" is no connection URL of PostgreSQL "
            "(postgres://user@host:port/database)"
        );
    }
    Keywords found;
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) {
            found[option->keyword] = option->val;
        }
    }
    return found;
}

std::string quoted(const std::string& value) {
    std::string text{"'"};
    for (const char c : value) {
        if (c == '\'' || c == '\\') {
            text += '\\';
        }
        text += c;
    }
    return text + "'";
}

std::string value_or(const Keywords& keywords, const char* name, const char* otherwise) {
    const auto found = keywords.find(name);
    return found == keywords.end() ? otherwise : found->second;
}

Result<std::string> first_line(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    if (!file || !std::getline(file, line)) {
        return fail(
            Errc::invalid_argument, "cannot read a password from the file \"" + path + "\""
        );
    }
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    return line;
}

}  // namespace

Result<Settings> read_settings(const std::string& config_json) {
    const auto config = nlohmann::json::parse(config_json);
    auto keywords =
        parse(config.value("url", std::string{"postgres://opslab@127.0.0.1:5432/opslab"}));
    if (!keywords) {
        return fail(std::move(keywords.error()));
    }
    if (const auto file = config.find("password_file"); file != config.end() && file->is_string()) {
        auto password = first_line(file->get<std::string>());
        if (!password) {
            return fail(std::move(password.error()));
        }
        (*keywords)["password"] = std::move(*password);
    }
    const auto patience = config.value("connect_timeout_seconds", 4);
    const std::initializer_list<std::pair<const char*, std::string>> defaults{
        {"connect_timeout", std::to_string(patience)},
        {"application_name", "opslab"},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "15000"},
        {"client_encoding", "UTF8"}};
    for (const auto& [name, value] : defaults) {
        keywords->try_emplace(name, value);
    }
    Settings settings;
    for (const auto& [name, value] : *keywords) {
        settings.conninfo += name + "=" + quoted(value) + " ";
    }
    settings.location = value_or(*keywords, "host", "local") + ":" +
                        value_or(*keywords, "port", "5432") + "/" +
                        value_or(*keywords, "dbname", "");
    settings.migrates = config.value("migrations", std::string{"auto"}) == "auto";
    settings.pool_size = config.value("pool_size", 8);
    settings.statement_timeout =
        std::chrono::seconds{config.value("statement_timeout_seconds", 15)};
    return settings;
}

}  // namespace opslab::postgres
