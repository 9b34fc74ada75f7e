#include "reporter.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <utility>

namespace simulated {

using OrderedJson = nlohmann::ordered_json;

void Reporter::log(std::string_view level, std::string_view message, int step) {
    OrderedJson json{{"type", "log"}, {"level", level}, {"message", message}};
    if (step > 0) {
        json["context"] = OrderedJson{{"step", step}};
    }
    event(json);
}

void Reporter::phase(std::string_view name, std::string_view state) {
    event(OrderedJson{{"type", "phase"}, {"name", name}, {"state", state}});
}

void Reporter::step(const Step& step) {
    event(OrderedJson{
        {"type", "step"},
        {"step", step.number},
        {"observation", step.observation},
        {"action", step.action},
        {"reward", step.reward},
        {"usage",
         OrderedJson{
             {"prompt_tokens", step.prompt_tokens}, {"completion_tokens", step.completion_tokens}}},
        {"latency_ms", step.latency_ms}});
}

void Reporter::result(const Outcome& outcome) {
    event(OrderedJson{
        {"type", "result"},
        {"success", outcome.success},
        {"output",
         OrderedJson{{"task_type", outcome.task_type}, {"submission", outcome.submission}}},
        {"metrics", OrderedJson{{"steps", outcome.steps}, {"simulated", true}}},
        {"reward", outcome.reward}});
}

void Reporter::error(std::string_view kind, std::string_view phase, std::string_view message) {
    event(OrderedJson{{"type", "error"}, {"kind", kind}, {"phase", phase}, {"message", message}});
}

void Reporter::inspection(const Inspection& seen) {
    event(OrderedJson{
        {"type", "log"},
        {"level", "info"},
        {"message", "inspection"},
        {"context",
         OrderedJson{
             {"details",
              OrderedJson{
                  {"protocol", seen.protocol},
                  {"work_dir_is_ours", seen.work_dir_is_ours},
                  {"stdin_is_empty", seen.stdin_is_empty},
                  {"task", OrderedJson::parse(seen.task)}}}}}});
}

void Reporter::clean() {
    event(OrderedJson{{"type", "clean"}});
}

void Reporter::event(const OrderedJson& json) {
    raw_event(json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
}

void Reporter::raw_event(std::string_view text) {
    out(prefix_);
    out(text);
    out("\n");
    flush();
}

void Reporter::out(std::string_view bytes) {
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

void Reporter::err(std::string_view bytes) {
    std::fwrite(bytes.data(), 1, bytes.size(), stderr);
}

void Reporter::flush() {
    std::fflush(stdout);
    std::fflush(stderr);
}

}  // namespace simulated
