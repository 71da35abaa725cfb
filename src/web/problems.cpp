#include "web/problems.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace jobrunner {
namespace {

constexpr std::size_t problems_max = 100;
constexpr std::chrono::minutes late_after{5};
constexpr std::chrono::seconds unserved_after{30};
constexpr std::chrono::minutes recent{10};
constexpr std::int64_t failures_least = 10;

using Problems = std::vector<Problem>;

std::string jobs(std::int64_t count)
{
    return std::to_string(count) + (count == 1 ? " job" : " jobs");
}

bool is_at_work(const WorkerRow& worker)
{
    return worker.state == "running";
}

// A worker without queues of its own takes from all.
bool serves(const WorkerRow& worker, const std::string& queue)
{
    return worker.queues.empty() || std::ranges::find(worker.queues, queue) != worker.queues.end();
}

std::string whole_minutes(Milliseconds length)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(length).count();
    return minutes < 120 ? std::to_string(minutes) + " min" : std::to_string(minutes / 60) + " h";
}

void find_in_queue(const Snapshot& snapshot, const QueueRow& queue, Problems& found)
{
    if (queue.available == 0) {
        return;
    }
    const auto age = queue.oldest_age.value_or(Milliseconds{0});
    if (queue.paused) {
        found.push_back({Severity::note, "queue_paused", queue.queue,
            "Queue " + queue.queue + " is paused, and " + jobs(queue.available) + " wait in it."});
        return;
    }
    const bool served = std::ranges::any_of(snapshot.workers,
        [&](const WorkerRow& worker) { return is_at_work(worker) && serves(worker, queue.queue); });
    if (!served && age >= unserved_after) {
        found.push_back({Severity::error, "queue_unserved", queue.queue,
            "No worker takes jobs of queue " + queue.queue + ", and " + jobs(queue.available) +
                " wait in it."});
    } else if (age >= late_after) {
        found.push_back({Severity::warning, "queue_late", queue.queue,
            "Queue " + queue.queue + " is behind: its oldest job has waited for " + whole_minutes(age) +
                "."});
    }
}

void find_held_back(const WorkerRow& worker, Problems& found)
{
    const auto report = nlohmann::json::parse(worker.report, nullptr, false);
    const auto held_back = report.is_object() ? report.find("held_back") : report.end();
    if (!report.is_object() || held_back == report.end() || !held_back->is_array()) {
        return;
    }
    for (const auto& one : *held_back) {
        const auto service = one.is_object() ? one.value("service", std::string()) : std::string();
        found.push_back({Severity::error, "service_held_back", worker.name,
            "Service " + service + " does not start on worker " + worker.name + "."});
    }
}

void find_in_worker(const WorkerRow& worker, Problems& found)
{
    if (worker.state == "lost") {
        found.push_back({Severity::error, "worker_lost", worker.name,
            "Worker " + worker.name + " on " + worker.host +
                " is lost: its lease has passed without a heartbeat."});
    } else if (worker.state != "stopped" && worker.state != "gone") {
        find_held_back(worker, found);
    }
}

struct Recent {
    std::int64_t completed = 0;
    std::int64_t failed = 0;
    std::int64_t dead = 0;
};

std::map<std::string, Recent> recent_by_kind(const Snapshot& snapshot)
{
    std::map<std::string, Recent> kinds;
    const auto since = to_instant(snapshot.taken_at - recent);
    for (const auto& minute : snapshot.minutes) {
        if (minute.begin >= since) {
            auto& kind = kinds[minute.counts.kind];
            kind.completed += minute.counts.completed;
            kind.failed += minute.counts.failed + minute.counts.dead + minute.counts.crashed;
            kind.dead += minute.counts.dead;
        }
    }
    return kinds;
}

void find_failures(const Snapshot& snapshot, Problems& found)
{
    for (const auto& [kind, counts] : recent_by_kind(snapshot)) {
        if (counts.dead > 0) {
            found.push_back({Severity::error, "jobs_dead", kind,
                jobs(counts.dead) + " of kind " + kind + " died in the last ten minutes."});
        }
        if (counts.failed >= failures_least && counts.failed > counts.completed) {
            const auto percent = counts.failed * 100 / (counts.failed + counts.completed);
            found.push_back({Severity::warning, "kind_failing", kind,
                std::to_string(percent) + " % of the attempts of kind " + kind +
                    " failed in the last ten minutes."});
        }
    }
}

void find_in_schedules(const Snapshot& snapshot, Problems& found)
{
    for (const auto& schedule : snapshot.schedules) {
        if (schedule.problem) {
            const auto& name = schedule.declared.name;
            found.push_back({Severity::error, "schedule_failed", name,
                "Schedule " + name + " does not run: " + *schedule.problem});
        }
    }
}

std::string sentence(std::string text)
{
    if (!text.empty()) {
        text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
    }
    return text + '.';
}

Severity severity_of(const Finding& finding)
{
    for (const auto severity : {Severity::error, Severity::warning}) {
        if (finding.severity == to_string(severity)) {
            return severity;
        }
    }
    return Severity::note;
}

// Without those that the rest of a snapshot shows more exactly, or, if nobody waits, shows as no problem.
void find_in_findings(const Snapshot& snapshot, Problems& found)
{
    constexpr std::array<std::string_view, 6> shown_above{
        "queue_paused", "worker_lost", "held_back", "no_worker", "schedule_problem", "journal_mode"};
    for (const auto& finding : snapshot.findings) {
        if (std::ranges::find(shown_above, finding.code) == shown_above.end()) {
            found.push_back({severity_of(finding), finding.code, "",
                sentence(finding.text) + ' ' + sentence(finding.remedy)});
        }
    }
}

} // namespace

std::string_view to_string(Severity severity)
{
    switch (severity) {
    case Severity::error:
        return "error";
    case Severity::warning:
        return "warning";
    case Severity::note:
        return "note";
    }
    return {};
}

std::vector<Problem> find_problems(const Snapshot& snapshot)
{
    Problems found;
    if (snapshot.error) {
        found.push_back({Severity::error, "database_unreachable", "",
            "The database cannot be read; the figures are those of the last time that it could."});
    }
    for (const auto& queue : snapshot.queues) {
        find_in_queue(snapshot, queue, found);
    }
    for (const auto& worker : snapshot.workers) {
        find_in_worker(worker, found);
    }
    find_failures(snapshot, found);
    find_in_schedules(snapshot, found);
    find_in_findings(snapshot, found);
    std::ranges::stable_sort(found, {}, &Problem::severity);
    found.resize(std::min(found.size(), problems_max));
    return found;
}

} // namespace jobrunner
