#include "engine_json.hpp"

#include "fuzz/fuzz.hpp"
#include "output_position.hpp"
#include "run_handle.hpp"

#include <algorithm>

/// What a Docker engine answers, and the texts of ours that come back from a database. Promised:
/// an answer is understood or an error; the engine's own words are short and printable; positions
/// and handles, written and read, are the same.
namespace opslab::fuzz {
namespace {

void engine_json(std::string_view input) {
    static_cast<void>(docker::text_member(input, "Id"));
    static_cast<void>(docker::container_list(input));
    static_cast<void>(docker::container_state(input));
    const auto words = docker::engine_words(input);
    require(words.size() <= 512, "the engine's words are short", words);
    require(
        std::all_of(words.begin(), words.end(), [](char c) { return c >= 0x20 && c < 0x7f; }),
        "and printable",
        words
    );
    if (const auto handle = docker::ContainerHandle::parse(input)) {
        const auto again = docker::ContainerHandle::parse(handle->text().text);
        require(
            again && again->id == handle->id && again->run_id == handle->run_id &&
                again->event_prefix == handle->event_prefix,
            "a handle, written and read, is the same",
            input
        );
    }
    if (const auto position = docker::OutputPosition::parse(input)) {
        const auto again = docker::OutputPosition::parse(position->text());
        require(
            again && again->marks == position->marks && again->from_ns == position->from_ns,
            "a position, written and read, is the same",
            input
        );
    }
    static_cast<void>(docker::parse_stamp(input));
}

const Registration kEngineJson{"engine_json", engine_json};

}  // namespace
}  // namespace opslab::fuzz
