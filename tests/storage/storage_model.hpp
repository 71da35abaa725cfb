// What a database of jobs should hold, in a few lines of memory.
#pragma once

#include "core/settlement.hpp"
#include "storage/storage.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace jobrunner::tests {

struct ModelJob {
    JobState state = JobState::available; // as people see it
    int priority = 0;
    int fence = 0;
    int attempt = 0;
    int max_attempts = 3;
    int crashes = 0;
    int snoozes = 0;
    int give_backs = 0;
    std::optional<WorkerId> worker; // of the last claim where the state tells of one
    std::optional<std::string> unique_key;
    bool rerun = false;
    bool asked_to_cancel = false;
    // I12: one closing event for each claim, by its fence. "completed" only where the job ran again.
    std::map<int, std::string> closings;
};

struct ModelWorker {
    bool leased = true;
    bool retired = false;
};

// Threads: not thread-safe. Every method says what a Storage should answer, and remembers what follows.
class StorageModel {
public:
    std::map<JobId, ModelJob> jobs;
    std::map<WorkerId, ModelWorker> workers;

    [[nodiscard]] std::vector<JobId> available(int priority) const;
    [[nodiscard]] std::optional<JobId> holder(const std::string& unique_key) const;
    [[nodiscard]] bool stands(const ClaimToken& token) const;
    // The jobs of workers whose lease has passed.
    [[nodiscard]] std::set<JobId> abandoned() const;

    void claimed(const ClaimToken& token);
    // What follows from an applied settlement.
    void settled(const Settlement& settlement);
    void replaced(JobId id);
    [[nodiscard]] ActionResult act(JobAction action, JobId id);

private:
    void requeue(ModelJob& job, const Settlement& settlement);
};

// How the row differs from what the model says; empty if it does not.
[[nodiscard]] std::string difference(const ModelJob& expected, const JobRow& row);

} // namespace jobrunner::tests
