#include "http/viewer_files.hpp"

#include <cstddef>

// The assembler puts the bytes in as they are; as an array in C++ they would cost the compiler
// seconds. OPSLAB_VIEWER is the folder.
#define OPSLAB_VIEWER_FILE(name, file)      \
    __asm__(                                \
        ".pushsection .rodata\n"            \
        ".global opslab_viewer_" name       \
        "\n"                                \
        "opslab_viewer_" name               \
        ":\n"                               \
        ".incbin \"" OPSLAB_VIEWER "/" file \
        "\"\n"                              \
        ".global opslab_viewer_" name       \
        "_end\n"                            \
        "opslab_viewer_" name               \
        "_end:\n"                           \
        ".byte 0\n"                         \
        ".popsection\n"                     \
    )

OPSLAB_VIEWER_FILE("script", "swagger-ui-bundle.js.gz");
OPSLAB_VIEWER_FILE("style", "swagger-ui.css.gz");

extern "C" {
// hidden: they are this library's own, and found without a table
extern const char opslab_viewer_script[] __attribute__((visibility("hidden")));
extern const char opslab_viewer_script_end[] __attribute__((visibility("hidden")));
extern const char opslab_viewer_style[] __attribute__((visibility("hidden")));
extern const char opslab_viewer_style_end[] __attribute__((visibility("hidden")));
}

namespace opslab {

std::string_view viewer_script() {
    return {
        static_cast<const char*>(opslab_viewer_script),
        static_cast<std::size_t>(opslab_viewer_script_end - opslab_viewer_script)};
}

std::string_view viewer_style() {
    return {
        static_cast<const char*>(opslab_viewer_style),
        static_cast<std::size_t>(opslab_viewer_style_end - opslab_viewer_style)};
}

}  // namespace opslab
