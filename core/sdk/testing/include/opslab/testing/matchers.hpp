#pragma once

#include <opslab/error.hpp>

#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <utility>

namespace opslab {

/// How gtest prints an error.
inline void PrintTo(const Error& error, std::ostream* out) {
    *out << to_string(error.code) << " \"" << error.message << '"';
    if (!error.reason.empty()) {
        *out << " reason " << error.reason;
    }
    if (!error.detail.empty()) {
        *out << " detail \"" << error.detail << '"';
    }
    for (const auto& field : error.fields) {
        *out << " [" << field.field << ": " << field.message << ']';
    }
}

namespace testing {

/// The result holds a value (or is a good Status).
MATCHER(IsOk, negation ? "is an error" : "is ok") {
    if (!arg.has_value()) {
        *result_listener << "which is " << ::testing::PrintToString(arg.error());
        return false;
    }
    return true;
}

/// The result holds an error of this code.
MATCHER_P(IsError, code, std::string(negation ? "is not error " : "is error ") + to_string(code)) {
    if (arg.has_value()) {
        *result_listener << "which is ok";
        return false;
    }
    *result_listener << "which is " << ::testing::PrintToString(arg.error());
    return arg.error().code == code;
}

/// The result holds an error of this code whose message matches.
MATCHER_P2(
    IsErrorAnd,
    code,
    message,
    std::string(negation ? "is not error " : "is error ") + to_string(code) + " whose message " +
        ::testing::DescribeMatcher<std::string>(message)
) {
    if (arg.has_value()) {
        *result_listener << "which is ok";
        return false;
    }
    *result_listener << "which is " << ::testing::PrintToString(arg.error());
    return arg.error().code == code &&
           ::testing::ExplainMatchResult(message, arg.error().message, result_listener);
}

/// The result holds a value that matches.
MATCHER_P(IsOkAnd, value, "is ok with a value that matches") {
    if (!arg.has_value()) {
        *result_listener << "which is " << ::testing::PrintToString(arg.error());
        return false;
    }
    return ::testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace testing
}  // namespace opslab
