#include "incident.hpp"

#include <array>
#include <cstdint>

namespace simulated {
namespace {

constexpr std::array<Scene, 4> kDetection{{
    {"You are on call for the service hotel-reservation in namespace test-hotel-reservation. "
     "Decide whether something is wrong and submit \"Yes\" or \"No\".",
     "get_logs(\"test-hotel-reservation\", \"frontend\")"},
    {"frontend-6d8b: 2 of the last 20 requests failed: rpc error: code = Unavailable desc = "
     "connection to geo refused",
     "exec_shell(\"kubectl get pods -n test-hotel-reservation\")"},
    {"NAME              READY   STATUS             RESTARTS\nfrontend-6d8b     1/1     Running"
     "            0\ngeo-5f7c          0/1     CrashLoopBackOff   7",
     "get_metrics(\"test-hotel-reservation\", 10)"},
    {"Metrics of 10 minutes were saved; the error rate of geo is 1.00 from the fourth minute on.",
     "submit(\"Yes\")"},
}};

constexpr std::array<Scene, 6> kLocalization{{
    {"Users cannot search for hotels. Find the faulty service and submit a list of names.",
     "exec_shell(\"kubectl get pods -n test-hotel-reservation\")"},
    {"NAME              READY   STATUS    RESTARTS\nfrontend-6d8b     1/1     Running   0\n"
     "mongodb-geo-77d   1/1     Running   0\ngeo-5f7c          0/1     Error     5",
     "get_logs(\"test-hotel-reservation\", \"geo\")"},
    {"panic: not authorized on geo-db to execute command { find: \"geo\" }",
     "get_traces(\"test-hotel-reservation\", 5)"},
    {"Traces were saved; every trace with an error ends in geo -> mongodb-geo.",
     "get_logs(\"test-hotel-reservation\", \"mongodb-geo\")"},
    {"ACCESS: Unauthorized: not authorized on geo-db; the user's role was revoked",
     "exec_shell(\"kubectl describe pod -l io.kompose.service=mongodb-geo "
     "-n test-hotel-reservation\")"},
    {"The pod is ready; its init script has revoked readWrite from admin.",
     "submit([\"mongodb-geo\"])"},
}};

constexpr std::array<Scene, 6> kAnalysis{{
    {"The service geo fails. Say which layer of the system is at fault and what kind it is.",
     "get_logs(\"test-hotel-reservation\", \"geo\")"},
    {"panic: no reachable servers: dial tcp mongodb-geo:27777: connect: connection refused",
     "exec_shell(\"kubectl get svc mongodb-geo -n test-hotel-reservation -o yaml\")"},
    {"spec:\n  ports:\n  - name: mongodb-geo-27777\n    port: 27777\n    targetPort: 27777",
     "exec_shell(\"kubectl get pod -l io.kompose.service=mongodb-geo "
     "-n test-hotel-reservation -o yaml\")"},
    {"containers:\n- image: mongo:4.4.6\n  ports:\n  - containerPort: 27017",
     "get_traces(\"test-hotel-reservation\", 5)"},
    {"Traces were saved; calls to mongodb-geo fail at once, others are well.",
     "exec_shell(\"kubectl get endpoints mongodb-geo -n test-hotel-reservation\")"},
    {"NAME          ENDPOINTS            AGE\nmongodb-geo   10.244.1.17:27777    12m",
     "submit({\"system_level\": \"Virtualization\", \"fault_type\": \"Misconfiguration\"})"},
}};

constexpr std::array<Scene, 8> kMitigation{{
    {"The service user-service of the social network has no pods. Make it work again.",
     "exec_shell(\"kubectl get deployments -n test-social-network\")"},
    {"NAME           READY   UP-TO-DATE   AVAILABLE\nuser-service   0/0     0            0",
     "exec_shell(\"kubectl describe deployment user-service -n test-social-network\")"},
    {"Replicas: 0 desired | 0 updated | 0 total | 0 available | 0 unavailable",
     "get_logs(\"test-social-network\", \"nginx-thrift\")"},
    {"upstream prematurely closed connection: user-service:9090: no endpoints",
     "exec_shell(\"kubectl scale deployment user-service --replicas=1 "
     "-n test-social-network\")"},
    {"deployment.apps/user-service scaled",
     "exec_shell(\"kubectl get pods -l app=user-service -n test-social-network\")"},
    {"NAME                 READY   STATUS    RESTARTS\nuser-service-58cf    1/1     Running   0",
     "get_metrics(\"test-social-network\", 2)"},
    {"Metrics of 2 minutes were saved; the error rate has gone back to 0.00.",
     "exec_shell(\"kubectl get events -n test-social-network --field-selector type=Warning\")"},
    {"No resources found in test-social-network namespace.", "submit()"},
}};

constexpr std::array<Incident, 4> kIncidents{{
    {"detection", kDetection},
    {"localization", kLocalization},
    {"analysis", kAnalysis},
    {"mitigation", kMitigation},
}};

// xorshift64*: the same run again for the same seed
[[nodiscard]] std::uint64_t mixed(std::uint64_t value) {
    value = value * 2685821657736338717ULL + 1442695040888963407ULL;
    value ^= value >> 12U;
    value ^= value << 25U;
    value ^= value >> 27U;
    return value;
}

}  // namespace

const Incident& incident_of(std::string_view problem_id) {
    for (const Incident& incident : kIncidents) {
        if (problem_id.find(incident.type) != std::string_view::npos) {
            return incident;
        }
    }
    return kIncidents.front();
}

Step make_step(const Incident& incident, int number, int total, const Task& task) {
    const std::size_t count = incident.scenes.size();
    const bool is_last = number == total;
    const auto at = static_cast<std::size_t>(number - 1);
    const Scene& scene = is_last ? incident.scenes.back() : incident.scenes[at % (count - 1)];
    const std::uint64_t noise =
        mixed(task.script.seed * 1000003ULL + static_cast<std::uint64_t>(number));
    Step step;
    step.number = number;
    step.observation = scene.observation;
    step.action = scene.action;
    step.prompt_tokens = 400 + 160 * number + static_cast<std::int64_t>(noise % 50);
    step.completion_tokens = 20 + static_cast<std::int64_t>((noise >> 8U) % 40);
    step.latency_ms = task.script.step_ms + static_cast<int>((noise >> 16U) % 3);
    return step;
}

}  // namespace simulated
