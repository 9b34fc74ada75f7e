#include "check/report.hpp"

#include "base/json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

namespace opslab::check {
namespace {

[[nodiscard]] double seconds(const Outcome& outcome) {
    return static_cast<double>(outcome.took.count()) / 1000.0;
}

[[nodiscard]] std::string xml(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        switch (c) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            default:
                safe += c;
        }
    }
    return safe;
}

[[nodiscard]] std::string joined(const std::vector<std::string>& lines) {
    return fmt::format("{}", fmt::join(lines, "\n"));
}

void add_indented(std::string& text, std::string_view message) {
    while (!message.empty()) {
        const auto end = message.find('\n');
        text += "          " + std::string{message.substr(0, end)} + "\n";
        message = end == std::string_view::npos ? std::string_view{} : message.substr(end + 1);
    }
}

}  // namespace

std::string promise_of(std::string_view name) {
    std::string words;
    for (const char c : name) {
        if (std::isupper(static_cast<unsigned char>(c)) != 0) {
            words += words.empty() ? "" : " ";
            words += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        } else {
            words += c;
        }
    }
    return words;
}

std::string text_of(const Checked& checked) {
    const char* word = "FAIL";
    if (checked.outcome.verdict != Verdict::failed) {
        word = checked.outcome.verdict == Verdict::passed ? "ok  " : "skip";
    }
    std::string text = fmt::format(
        "  {}  {} ({:.2f} s)\n", word, promise_of(checked.name), seconds(checked.outcome)
    );
    for (const std::string& message : checked.outcome.messages) {
        add_indented(text, message);
    }
    if (checked.outcome.verdict == Verdict::failed) {
        text += "          again: --case " + checked.name + "\n";
    }
    return text;
}

std::size_t count(const std::vector<Checked>& all, Verdict verdict) {
    return static_cast<std::size_t>(std::count_if(
        all.begin(),
        all.end(),
        [verdict](const Checked& checked) { return checked.outcome.verdict == verdict; }
    ));
}

std::string summary_of(const std::vector<Checked>& all) {
    std::string text = fmt::format(
        "{} passed, {} failed, {} skipped\n",
        count(all, Verdict::passed),
        count(all, Verdict::failed),
        count(all, Verdict::skipped)
    );
    if (count(all, Verdict::failed) > 0) {
        text += "What was promised and not kept:\n";
    }
    for (const Checked& checked : all) {
        if (checked.outcome.verdict == Verdict::failed) {
            text += "  " + promise_of(checked.name) + "\n";
        }
    }
    return text;
}

std::string json_of(const About& about, const std::vector<Checked>& all) {
    Json cases = Json::array();
    for (const Checked& checked : all) {
        cases.push_back(
            {{"name", checked.name},
             {"promise", promise_of(checked.name)},
             {"verdict", to_string(checked.outcome.verdict)},
             {"seconds", seconds(checked.outcome)},
             {"messages", checked.outcome.messages}}
        );
    }
    const Json report{
        {"plugin", about.name},
        {"version", about.version},
        {"file", about.file},
        {"ok", count(all, Verdict::failed) == 0},
        {"passed", count(all, Verdict::passed)},
        {"failed", count(all, Verdict::failed)},
        {"skipped", count(all, Verdict::skipped)},
        {"cases", cases}};
    return dump_json(report) + "\n";
}

std::string junit_of(const About& about, const std::vector<Checked>& all) {
    std::string text = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuite name=\"opslab plugin check {}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
        xml(about.name),
        all.size(),
        count(all, Verdict::failed),
        count(all, Verdict::skipped)
    );
    for (const Checked& checked : all) {
        text += fmt::format(
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\">",
            xml(about.name),
            xml(checked.name),
            seconds(checked.outcome)
        );
        const std::string words = xml(joined(checked.outcome.messages));
        if (checked.outcome.verdict == Verdict::failed) {
            text += fmt::format(
                "<failure message=\"{}\">{}</failure>", xml(promise_of(checked.name)), words
            );
        } else if (checked.outcome.verdict == Verdict::skipped) {
            text += fmt::format("<skipped message=\"{}\"/>", words);
        }
        text += "</testcase>\n";
    }
    return text + "</testsuite>\n";
}

}  // namespace opslab::check
