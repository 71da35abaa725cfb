#include "storage/storage_model.hpp"

#include <utility>

namespace jobrunner::tests {

std::vector<JobId> StorageModel::available(int priority) const
{
    std::vector<JobId> ids;
    for (const auto& [id, job] : jobs) {
        if (job.state == JobState::available && job.priority == priority) {
            ids.push_back(id);
        }
    }
    return ids;
}

std::optional<JobId> StorageModel::holder(const std::string& unique_key) const
{
    for (const auto& [id, job] : jobs) {
        if (!is_finished(job.state) && job.unique_key == unique_key) {
            return id;
        }
    }
    return std::nullopt;
}

bool StorageModel::stands(const ClaimToken& token) const
{
    const auto job = jobs.find(token.job);
    return job != jobs.end() && job->second.state == JobState::running && job->second.fence == token.fence &&
        job->second.worker == token.worker;
}

std::set<JobId> StorageModel::abandoned() const
{
    std::set<JobId> ids;
    for (const auto& [id, job] : jobs) {
        if (job.state == JobState::running && !workers.at(*job.worker).leased) {
            ids.insert(id);
        }
    }
    return ids;
}

void StorageModel::claimed(const ClaimToken& token)
{
    ModelJob& job = jobs.at(token.job);
    job.state = JobState::running;
    job.worker = token.worker;
    ++job.fence;
    ++job.attempt;
}

void StorageModel::settled(const Settlement& settlement)
{
    ModelJob& job = jobs.at(settlement.token.job);
    const bool completed = settlement.verdict == Verdict::complete;
    const bool asked_to_cancel = std::exchange(job.asked_to_cancel, false);
    if (!completed || job.rerun) {
        job.closings[job.fence] = settlement.outcome;
    }
    if (asked_to_cancel && !completed && !job.rerun) {
        job.state = JobState::cancelled;
        return;
    }
    if (job.rerun || settlement.verdict == Verdict::requeue) {
        requeue(job, settlement);
        return;
    }
    job.state = completed                     ? JobState::completed
        : settlement.verdict == Verdict::dead ? JobState::dead
                                              : JobState::cancelled;
}

void StorageModel::requeue(ModelJob& job, const Settlement& settlement)
{
    job.worker.reset();
    job.give_backs += settlement.outcome == "released" ? 1 : 0;
    if (job.rerun) {
        job.rerun = false;
        job.state = JobState::available;
        job.attempt = job.crashes = job.snoozes = 0;
        return;
    }
    const bool waits = settlement.delay.count() > 0;
    const bool failed = settlement.outcome != "released" && settlement.outcome != "snoozed";
    job.state = !waits ? JobState::available : failed ? JobState::retryable : JobState::scheduled;
    job.attempt -= settlement.refund;
    job.crashes += settlement.outcome == "crashed" ? 1 : 0;
    job.snoozes += settlement.outcome == "snoozed" ? 1 : 0;
}

void StorageModel::replaced(JobId id)
{
    ModelJob& job = jobs.at(id);
    if (job.state == JobState::running) {
        job.rerun = true;
    } else {
        job.state = JobState::available;
        job.attempt = job.crashes = job.snoozes = 0;
    }
}

ActionResult StorageModel::act(JobAction action, JobId id)
{
    const auto found = jobs.find(id);
    if (found == jobs.end()) {
        return ActionResult::not_found;
    }
    ModelJob& job = found->second;
    const bool waits = !is_finished(job.state) && job.state != JobState::running;
    if (action == JobAction::cancel) {
        if (job.state == JobState::running) {
            job.asked_to_cancel = true;
            return ActionResult::requested;
        }
        job.state = waits ? JobState::cancelled : job.state;
        return waits ? ActionResult::done : ActionResult::not_possible;
    }
    if (action == JobAction::remove) {
        if (job.state == JobState::running) {
            return ActionResult::not_possible;
        }
        jobs.erase(found);
        return ActionResult::done;
    }
    if (waits) {
        job.state = JobState::available;
        return ActionResult::done;
    }
    if (action != JobAction::retry || job.state == JobState::running ||
        (job.unique_key && holder(*job.unique_key))) {
        return ActionResult::not_possible;
    }
    job.state = JobState::available;
    job.worker.reset();
    job.attempt = job.crashes = job.snoozes = job.give_backs = 0;
    return ActionResult::done;
}

std::string difference(const ModelJob& expected, const JobRow& row)
{
    std::string text;
    const auto compare = [&](const char* name, const auto& wanted, const auto& found) {
        if (!(wanted == found)) {
            text += std::string(" ") + name;
        }
    };
    compare("state", expected.state, row.state);
    compare("fence", expected.fence, row.fence);
    compare("attempt", expected.attempt, row.attempt);
    compare("crashes", expected.crashes, row.crashes);
    compare("snoozes", expected.snoozes, row.snoozes);
    compare("give_backs", expected.give_backs, row.give_backs);
    compare("priority", expected.priority, row.priority);
    // I2: a worker exactly while running.
    const bool unfinished = !is_finished(row.state);
    if (unfinished) {
        compare("worker", expected.state == JobState::running ? expected.worker : std::nullopt, row.worker);
    }
    if (text.empty()) {
        return text;
    }
    return "job " + std::to_string(row.id) + " differs in" + text + ": it is " +
        std::string(to_string(row.state)) + " and should be " + std::string(to_string(expected.state)) +
        ", fence " + std::to_string(row.fence) + "/" + std::to_string(expected.fence) + ", attempt " +
        std::to_string(row.attempt) + "/" + std::to_string(expected.attempt);
}

} // namespace jobrunner::tests
