#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace opslab {

/// Holds one message to the letter of RFC 9112 where the parser is lenient: a proxy in front that
/// reads the same bytes otherwise would let one request smuggle another. Refused: a request line of
/// other than three words (of two, which no version above 0.9 has, the parser's owner decides) or
/// with a version that is none, a line that ends in LF alone, a CR inside a line, a folded field, a
/// blank before a field's colon, control characters, a chunk whose frame is not exact. One for each
/// message; fed in any fragmentation.
class FramingCheck {
public:
    /// Reads bytes of the message, `chunked` as its head says (needed once that has ended). What
    /// is wrong, for the client, or null.
    [[nodiscard]] const char* read(std::string_view bytes, bool chunked);

private:
    enum class Place : std::uint8_t {
        before,  ///< empty lines before the request line
        method,
        target,
        version,
        line_begin,  ///< of a field or the empty line
        name,
        value,
        chunk_begin,
        chunk_size,
        chunk_extension,
        chunk_data,
        chunk_data_end,
        body,  ///< bytes that have no frame
    };

    const char* read_byte(char c, bool chunked);
    const char* line_ended(bool chunked);
    const char* read_in_line(char c);
    const char* read_request_line(char c);
    const char* read_version(char c);
    const char* read_size(char c);

    Place place_ = Place::before;
    std::size_t word_ = 0;  ///< length so far of the request line's current word
    bool after_cr_ = false;
    bool trailers_ = false;
    std::uint64_t chunk_ = 0;
};

}  // namespace opslab
