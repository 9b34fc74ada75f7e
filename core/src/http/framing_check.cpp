#include "http/framing_check.hpp"

#include <algorithm>
#include <string_view>

namespace opslab {

namespace {

constexpr const char* kBadRequestLine =
    "the request line is not a method, a target and a version, with one blank between them";
constexpr const char* kBadEnd = "a line does not end in CR LF";
constexpr const char* kBadName = "a header field's name holds a character that no name may";
constexpr const char* kFolded = "a header field is folded over several lines";
constexpr const char* kControl = "the head holds a control character";
constexpr const char* kBadChunk = "a chunk's frame is not exact";

/// What the parser does not check: it takes what follows the H of the version for the rest of it, a
/// line's end too. 0 stands for a digit.
constexpr std::string_view kVersion = "HTTP/0.0";

bool is_token(char c) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char low = static_cast<char>(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

}  // namespace

const char* FramingCheck::read(std::string_view bytes, bool chunked) {
    while (!bytes.empty()) {
        if (place_ == Place::body) {
            return nullptr;
        }
        if (place_ == Place::chunk_data) {
            const auto size = std::min<std::uint64_t>(chunk_, bytes.size());
            chunk_ -= size;
            bytes.remove_prefix(size);
            if (chunk_ == 0) {
                place_ = Place::chunk_data_end;
            }
            continue;
        }
        if (const char* fault = read_byte(bytes.front(), chunked)) {
            return fault;
        }
        bytes.remove_prefix(1);
    }
    return nullptr;
}

const char* FramingCheck::read_byte(char c, bool chunked) {
    if (after_cr_) {
        after_cr_ = false;
        return c == '\n' ? line_ended(chunked) : kBadEnd;
    }
    if (c == '\n') {
        return kBadEnd;
    }
    if (c == '\r') {
        after_cr_ = true;
        if (place_ == Place::method || (place_ == Place::version && word_ != kVersion.size())) {
            return kBadRequestLine;
        }
        return place_ == Place::name || place_ == Place::chunk_begin ? kBadEnd : nullptr;
    }
    return read_in_line(c);
}

const char* FramingCheck::line_ended(bool chunked) {
    switch (place_) {
        case Place::target:
        case Place::version:
        case Place::value:
            place_ = Place::line_begin;
            break;
        case Place::line_begin:
            place_ = chunked && !trailers_ ? Place::chunk_begin : Place::body;
            break;
        case Place::chunk_size:
        case Place::chunk_extension:
            trailers_ = chunk_ == 0;
            place_ = trailers_ ? Place::line_begin : Place::chunk_data;
            break;
        case Place::chunk_data_end:
            place_ = Place::chunk_begin;
            break;
        default:
            break;
    }
    return nullptr;
}

const char* FramingCheck::read_in_line(char c) {
    switch (place_) {
        case Place::before:
            place_ = Place::method;
            [[fallthrough]];
        case Place::method:
        case Place::target:
        case Place::version:
            return read_request_line(c);
        case Place::line_begin:
            if (c == ' ' || c == '\t') {
                return kFolded;
            }
            place_ = Place::name;
            return is_token(c) ? nullptr : kBadName;
        case Place::name:
            if (c == ':') {
                place_ = Place::value;
                return nullptr;
            }
            return is_token(c) ? nullptr : kBadName;
        case Place::value:
            return is_control(c) ? kControl : nullptr;
        case Place::chunk_begin:
            chunk_ = 0;
            place_ = Place::chunk_size;
            [[fallthrough]];
        case Place::chunk_size:
            return read_size(c);
        case Place::chunk_extension:
            return is_control(c) ? kBadChunk : nullptr;
        default:
            return kBadChunk;
    }
}

const char* FramingCheck::read_request_line(char c) {
    if (is_control(c) || c == '\t') {
        return kControl;
    }
    if (place_ == Place::version) {
        return read_version(c);
    }
    if (c != ' ') {
        ++word_;
        return nullptr;
    }
    if (word_ == 0) {
        return kBadRequestLine;
    }
    place_ = place_ == Place::method ? Place::target : Place::version;
    word_ = 0;
    return nullptr;
}

const char* FramingCheck::read_version(char c) {
    if (word_ == kVersion.size()) {
        return kBadRequestLine;
    }
    const char wanted = kVersion[word_++];
    const bool fits = wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
    return fits ? nullptr : kBadRequestLine;
}

const char* FramingCheck::read_size(char c) {
    if (c == ';') {
        place_ = Place::chunk_extension;
        return nullptr;
    }
    constexpr std::uint64_t kMost = std::uint64_t{1} << 56U;
    const int digit = hex_digit(c);
    if (digit < 0 || chunk_ >= kMost) {
        return kBadChunk;
    }
    chunk_ = chunk_ * 16 + static_cast<std::uint64_t>(digit);
    return nullptr;
}

}  // namespace opslab
