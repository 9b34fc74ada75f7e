#include "base/object_reader.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace opslab {

ObjectReader::ObjectReader(const Json& object, std::string pointer, std::vector<FieldError>& errors)
    : object_(object.is_object() ? &object : nullptr),
      pointer_(std::move(pointer)),
      errors_(errors) {
    if (object_ == nullptr) {
        errors_.push_back({pointer_, "must be an object"});
    }
}

const Json* ObjectReader::member(std::string_view key) {
    known_.emplace(key);
    if (object_ == nullptr) {
        return nullptr;
    }
    const auto found = object_->find(key);
    if (found == object_->end() || found->is_null()) {
        return nullptr;
    }
    return &*found;
}

std::optional<std::string> ObjectReader::string(
    std::string_view key, std::size_t min, std::size_t max
) {
    const Json* value = member(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_string()) {
        refuse(key, "must be a string");
        return std::nullopt;
    }
    const auto& text = value->get_ref<const std::string&>();
    const auto length = count_code_points(text);
    if (length < min || length > max) {
        refuse(key, fmt::format("must have {} to {} characters, has {}", min, max, length));
        return std::nullopt;
    }
    if (text.find('\0') != std::string::npos) {
        refuse(key, "must not contain the character U+0000");
        return std::nullopt;
    }
    return text;
}

std::optional<std::int64_t> ObjectReader::integer(
    std::string_view key, std::int64_t min, std::int64_t max
) {
    const Json* value = member(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto wanted = fmt::format("must be an integer from {} to {}", min, max);
    if (!value->is_number_integer()) {
        refuse(key, wanted);
        return std::nullopt;
    }
    const bool huge = value->is_number_unsigned() &&
                      value->get<std::uint64_t>() >
                          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (huge || value->get<std::int64_t>() < min || value->get<std::int64_t>() > max) {
        refuse(key, wanted);
        return std::nullopt;
    }
    return value->get<std::int64_t>();
}

std::optional<double> ObjectReader::number(std::string_view key, double min, double max) {
    const Json* value = member(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    const bool bounded = std::isfinite(min) && std::isfinite(max);
    if (!value->is_number() || value->get<double>() < min || value->get<double>() > max) {
        refuse(
            key,
            bounded ? fmt::format("must be a number from {} to {}", min, max)
                    : std::string("must be a number")
        );
        return std::nullopt;
    }
    return value->get<double>();
}

std::optional<bool> ObjectReader::boolean(std::string_view key) {
    const Json* value = member(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_boolean()) {
        refuse(key, "must be true or false");
        return std::nullopt;
    }
    return value->get<bool>();
}

std::optional<std::string> ObjectReader::word(
    std::string_view key, const std::vector<std::string>& allowed
) {
    const Json* value = member(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_string() ||
        std::find(allowed.begin(), allowed.end(), value->get_ref<const std::string&>()) ==
            allowed.end()) {
        refuse(key, fmt::format("must be one of {}", fmt::join(allowed, ", ")));
        return std::nullopt;
    }
    return value->get<std::string>();
}

const Json* ObjectReader::object(std::string_view key) {
    const Json* value = member(key);
    if (value != nullptr && !value->is_object()) {
        refuse(key, "must be an object");
        return nullptr;
    }
    return value;
}

const Json* ObjectReader::array(std::string_view key) {
    const Json* value = member(key);
    if (value != nullptr && !value->is_array()) {
        refuse(key, "must be an array");
        return nullptr;
    }
    return value;
}

void ObjectReader::require(std::string_view key) {
    if (object_ != nullptr && member(key) == nullptr) {
        refuse(key, "is required");
    }
}

void ObjectReader::refuse(std::string_view key, std::string message) {
    errors_.push_back({pointer_to(key), std::move(message)});
}

void ObjectReader::finish() {
    if (object_ == nullptr) {
        return;
    }
    for (const auto& [key, value] : object_->items()) {
        if (!known_.contains(key)) {
            errors_.push_back({pointer_to(key), "is not a known field"});
        }
    }
}

std::string ObjectReader::pointer_to(std::string_view key) const {
    return pointer_ + "/" + pointer_token(key);
}

}  // namespace opslab
