#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace opslab {

namespace {

/// Builds a document and stops at what nlohmann's own builder lets pass.
class StrictBuilder final : public nlohmann::json_sax<Json> {
public:
    explicit StrictBuilder(int max_depth) : max_depth_(static_cast<std::size_t>(max_depth)) {}

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t& /*text*/) override {
        return add(value);
    }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t& /*value*/) override { return refuse("binary is no JSON"); }

    bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
    bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        Json& object = *open_.back();
        if (object.contains(name)) {
            // only a short key is repeated, so that the message stays one
            return refuse("duplicate key" + (name.size() > 80 ? "" : " \"" + name + "\""));
        }
        slot_ = &object[name];
        return true;
    }

    bool parse_error(
        std::size_t position,
        const std::string& /*last_token*/,
        const nlohmann::detail::exception& /*thrown*/
    ) override {
        return refuse("not valid JSON at byte " + std::to_string(position));
    }

    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] Json take() { return std::move(root_); }

private:
    template <class Value>
    Json* place(Value&& value) {
        if (open_.empty()) {
            root_ = Json(std::forward<Value>(value));
            return &root_;
        }
        Json& parent = *open_.back();
        if (parent.is_array()) {
            parent.push_back(Json(std::forward<Value>(value)));
            return &parent.back();
        }
        *slot_ = Json(std::forward<Value>(value));
        return slot_;
    }

    template <class Value>
    bool add(Value&& value) {
        place(std::forward<Value>(value));
        return true;
    }

    bool open(Json container) {
        if (open_.size() >= max_depth_) {
            return refuse("nested deeper than " + std::to_string(max_depth_) + " levels");
        }
        open_.push_back(place(std::move(container)));
        return true;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    bool refuse(std::string problem) {
        if (problem_.empty()) {
            problem_ = std::move(problem);
        }
        return false;
    }

    std::size_t max_depth_;
    Json root_;
    std::vector<Json*> open_;  // the containers around the current place, outermost first
    Json* slot_ = nullptr;     // where the value of the key just read belongs
    std::string problem_;
};

bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

void collect_nul(const Json& value, const std::string& pointer, std::vector<FieldError>& found) {
    if (value.is_string()) {
        if (has_nul(value.get_ref<const std::string&>())) {
            found.push_back({pointer, "must not contain the character U+0000"});
        }
    } else if (value.is_array()) {
        std::size_t index = 0;
        for (const auto& item : value) {
            collect_nul(item, pointer + "/" + std::to_string(index++), found);
        }
    } else if (value.is_object()) {
        for (const auto& [key, item] : value.items()) {
            if (has_nul(key)) {
                found.push_back({pointer, "must not have a key with the character U+0000"});
                continue;
            }
            collect_nul(item, pointer + "/" + pointer_token(key), found);
        }
    }
}

}  // namespace

Result<Json> parse_json(std::string_view text, int max_depth) {
    StrictBuilder builder(max_depth);
    bool fine = false;
    try {
        fine = Json::sax_parse(text.begin(), text.end(), &builder);
    } catch (const Json::exception&) {
        fine = false;  // a number out of range, for one
    }
    if (!fine) {
        const auto& problem = builder.problem();
        return fail(Error{
            .code = Errc::invalid_argument,
            .message = "malformed JSON: " + (problem.empty() ? "not readable" : problem),
            .reason = "malformed_json",
        });
    }
    return builder.take();
}

std::string dump_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<FieldError> nul_fields(const Json& value) {
    std::vector<FieldError> found;
    collect_nul(value, "", found);
    return found;
}

std::string pointer_token(std::string_view key) {
    std::string token;
    token.reserve(key.size());
    for (const char c : key) {
        if (c == '~') {
            token += "~0";
        } else if (c == '/') {
            token += "~1";
        } else {
            token.push_back(c);
        }
    }
    return token;
}

}  // namespace opslab
