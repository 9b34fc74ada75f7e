// A runner that fills the C table by itself and breaks the rules of plugin.h, each in the manner
// that its one setting names: what the host's guards are there for.
#include <opslab/plugin.h>

#include <cstring>
#include <stdexcept>
#include <string>

namespace {

struct Instance {
    std::string manner{};
    std::string destroyed{};
};

bool is(void* self, const char* manner) {
    return static_cast<Instance*>(self)->manner == manner;
}

void write(const opslab_writer* writer, const std::string& text) {
    writer->write(writer->ctx, text.data(), text.size());
}

std::int32_t misbehave(void* self, const opslab_writer* error) {
    if (is(self, "throws")) {
        throw std::runtime_error("the plug was pulled");
    }
    if (is(self, "throws-a-number")) {
        throw 7;
    }
    if (is(self, "unknown-code")) {
        write(error, "who knows");
        return 99;
    }
    if (is(self, "negative-code")) {
        return -1;
    }
    if (is(self, "bad-bytes")) {
        write(error, std::string("no \xff\xfe\x1b[31m", 10) + std::string(1, '\0') + "disk");
        return OPSLAB_E_INFRASTRUCTURE;
    }
    if (is(self, "endless-error")) {
        for (int i = 0; i < 1000; ++i) {
            write(error, std::string(1000, 'x'));
        }
        return OPSLAB_E_TASK;
    }
    return OPSLAB_OK;
}

std::string handle_of(void* self) {
    if (is(self, "no-handle")) {
        return {};
    }
    if (is(self, "large-handle")) {
        return std::string(4097, 'h');
    }
    if (is(self, "huge-handle")) {
        return std::string(65537, 'h');
    }
    if (is(self, "bad-handle")) {
        return "run-\xff";
    }
    return is(self, "largest-handle") ? std::string(4096, 'h') : std::string{"run"};
}

std::int32_t start(
    void* self, const opslab_run_request*, const opslab_writer* handle, const opslab_writer* error
) {
    write(handle, handle_of(self));
    return misbehave(self, error);
}

std::int32_t flood(const opslab_sink& sink) {
    const std::string line(1024 * 1024 + 1, 'l');
    sink.output(sink.ctx, 9, line.data(), line.size(), 0);
    sink.event(sink.ctx, line.data(), line.size());
    sink.position(sink.ctx, line.data(), 4097);
    sink.position(sink.ctx, "\xff", 1);
    sink.output(sink.ctx, 2, nullptr, 5, 0);
    return OPSLAB_OK;
}

std::int32_t wait_for(
    void* self, const opslab_wait_request* request, opslab_run_end* end, const opslab_writer* error
) {
    end->how = is(self, "unknown-end") ? 4 : OPSLAB_END_EXITED;
    if (is(self, "deaf")) {
        // goes on although it is told to leave off
        for (int i = 0; i < 3; ++i) {
            request->sink->output(request->sink->ctx, 1, "again", 5, 0);
        }
    }
    if (is(self, "floods")) {
        flood(*request->sink);
    }
    return misbehave(self, error);
}

std::int32_t stop(void* self, const opslab_stop_request*, const opslab_writer* error) {
    return misbehave(self, error);
}

std::int32_t destroy(void* self, const char* handle, const opslab_writer* error) {
    static_cast<Instance*>(self)->destroyed = handle;
    return misbehave(self, error);
}

std::int32_t list_owned(
    void* self, const char*, const opslab_owned_visitor* visitor, const opslab_writer* error
) {
    visitor->visit(visitor->ctx, "1.1", "good");
    visitor->visit(visitor->ctx, nullptr, "nameless");
    visitor->visit(visitor->ctx, "2.1", nullptr);
    visitor->visit(visitor->ctx, "3.1", "");
    visitor->visit(visitor->ctx, "4.1", "bad \xff");
    visitor->visit(visitor->ctx, "5.1", std::string(4097, 'h').c_str());
    return misbehave(self, error);
}

std::int32_t health(void* self, const opslab_writer* report, const opslab_writer* error) {
    const auto& destroyed = static_cast<Instance*>(self)->destroyed;
    write(report, "destroyed " + std::to_string(destroyed.size()) + " bytes \xff");
    return misbehave(self, error);
}

void close_instance(void* self) {
    const bool throws = is(self, "throws-in-close");
    delete static_cast<Instance*>(self);
    if (throws) {
        throw std::runtime_error("not even that");
    }
}

std::string manner_of(const std::string& config) {
    // {"manner":"…"}: the host has checked it
    const std::string before = R"({"manner":")";
    return config.substr(before.size(), config.size() - before.size() - 2);
}

std::int32_t create(
    const opslab_host*, const char* config, opslab_runner* runner, const opslab_writer* error
) {
    const std::string manner = manner_of(config);
    if (manner == "throws-in-create") {
        throw std::runtime_error("born broken");
    }
    if (manner == "throws-a-number-in-create") {
        throw 7;
    }
    if (manner == "declines") {
        write(error, "no engine at /run/engine.sock");
        return OPSLAB_E_INFRASTRUCTURE;
    }
    if (manner == "declines-without-words") {
        return OPSLAB_E_UNSUPPORTED;
    }
    if (manner == "short-table") {
        runner->struct_size = 16;
        return OPSLAB_OK;
    }
    // nobody could free it without `close`
    runner->self = manner == "no-close" ? nullptr : new Instance{manner, {}};
    runner->start = manner == "no-start" ? nullptr : &start;
    runner->wait = &wait_for;
    runner->stop = &stop;
    runner->destroy = &destroy;
    runner->list_owned = &list_owned;
    runner->health = &health;
    runner->close = manner == "no-close" ? nullptr : &close_instance;
    return OPSLAB_OK;
}

}  // namespace

extern "C" OPSLAB_EXPORT constinit const opslab_plugin_descriptor opslab_plugin = {
    sizeof(opslab_plugin_descriptor),
    OPSLAB_ABI_KIND_C,
    OPSLAB_ABI_MAJOR,
    OPSLAB_ABI_MINOR,
    OPSLAB_PLUGIN_RUNNER,
    0,
    "rude",
    OPSLAB_PLUGIN_VERSION,
    nullptr,
    R"({"type": "object", "required": ["manner"], "properties": {
        "manner": {"type": "string", "description": "Which rule it breaks."}}})",
    &create,
    nullptr,
};
