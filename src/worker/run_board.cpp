#include "worker/run_board.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

// A prefetched job waits about this long at most, so none sits here while another worker idles.
constexpr double prefetch_seconds = 0.010;
constexpr int prefetch_max = 2000;
constexpr double shortest_run_seconds = 1e-6;
// Jobs whose settle is outstanding: beyond it nothing new is claimed.
constexpr int held_max = 4000;

} // namespace

RunBoard::RunBoard(Limits limits) : limits_(std::move(limits)) {}

void RunBoard::set_limits(Limits limits)
{
    const std::lock_guard lock(mutex_);
    limits_ = std::move(limits);
}

void RunBoard::set_queue_slots(std::map<std::string, int> slots)
{
    const std::lock_guard lock(mutex_);
    operators_slots_ = std::move(slots);
}

std::optional<int> RunBoard::slots_of(const std::string& queue) const
{
    for (const auto* slots : {&operators_slots_, &limits_.queue_slots}) {
        if (const auto found = slots->find(queue); found != slots->end()) {
            return found->second;
        }
    }
    return std::nullopt;
}

int RunBoard::prefetch() const
{
    if (!run_seconds_) {
        return 0;
    }
    // By how long jobs take, not by how many came: a rate would be held down by the very prefetch it allows.
    const double jobs = limits_.slots * prefetch_seconds / std::max(*run_seconds_, shortest_run_seconds);
    return static_cast<int>(std::min<double>(jobs, prefetch_max));
}

int RunBoard::room() const
{
    const std::lock_guard lock(mutex_);
    if (static_cast<int>(entries_.size()) >= held_max) {
        return 0;
    }
    return std::max(limits_.slots + prefetch() - running_ - static_cast<int>(waiting_.size()), 0);
}

int RunBoard::room(const std::string& queue) const
{
    const std::lock_guard lock(mutex_);
    const auto slots = slots_of(queue);
    return slots ? own_room(queue, *slots) : prefetch_max + limits_.slots;
}

std::map<std::string, int> RunBoard::own_room() const
{
    const std::lock_guard lock(mutex_);
    std::map<std::string, int> rooms;
    for (const auto* slots : {&operators_slots_, &limits_.queue_slots}) {
        for (const auto& [queue, count] : *slots) {
            rooms.emplace(queue, own_room(queue, count));
        }
    }
    return rooms;
}

int RunBoard::own_room(const std::string& queue, int slots) const
{
    // No prefetch here: what waits for a slot of its queue would hold back other queues' jobs.
    const auto used = running_by_queue_.find(queue);
    int free = slots - (used == running_by_queue_.end() ? 0 : used->second);
    for (const JobId id : waiting_) {
        free -= entries_.at(id).job.queue == queue ? 1 : 0;
    }
    return std::max(free, 0);
}

bool RunBoard::fits(const std::string& queue) const
{
    const auto slots = slots_of(queue);
    const auto used = running_by_queue_.find(queue);
    return running_ < limits_.slots &&
        (!slots || (used == running_by_queue_.end() ? 0 : used->second) < *slots);
}

void RunBoard::start(Entry& entry)
{
    entry.stage = Stage::running;
    entry.started = Clock::now();
    ++running_;
    ++running_by_queue_[entry.job.queue];
}

void RunBoard::free_slot(const Entry& entry)
{
    if (entry.stage == Stage::running) {
        --running_;
        --running_by_queue_[entry.job.queue];
    }
}

std::vector<ClaimedJob> RunBoard::admit(std::int64_t batch, std::vector<ClaimedJob> jobs)
{
    const std::lock_guard lock(mutex_);
    std::vector<ClaimedJob> to_start;
    if (!jobs.empty()) {
        batches_[batch] += static_cast<int>(jobs.size());
    }
    for (auto& job : jobs) {
        const JobId id = job.token.job;
        auto& entry =
            entries_.insert_or_assign(id, Entry{std::move(job), batch, Stage::waiting, {}}).first->second;
        if (waiting_.empty() && fits(entry.job.queue)) {
            start(entry);
            to_start.push_back(entry.job);
        } else {
            waiting_.push_back(id);
        }
    }
    return to_start;
}

std::vector<ClaimedJob> RunBoard::next()
{
    const std::lock_guard lock(mutex_);
    std::vector<ClaimedJob> to_start;
    for (auto id = waiting_.begin(); id != waiting_.end() && running_ < limits_.slots;) {
        Entry& entry = entries_.at(*id);
        if (fits(entry.job.queue)) {
            start(entry);
            to_start.push_back(entry.job);
            id = waiting_.erase(id);
        } else {
            ++id;
        }
    }
    return to_start;
}

void RunBoard::note_run(Clock::duration length)
{
    const double seconds = std::chrono::duration<double>(length).count();
    run_seconds_ = run_seconds_ ? 0.95 * *run_seconds_ + 0.05 * seconds : seconds;
}

std::optional<ClaimedJob> RunBoard::ended(const ClaimToken& token)
{
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(token.job);
    if (found == entries_.end() || found->second.job.token != token ||
        found->second.stage == Stage::settling) {
        return std::nullopt;
    }
    free_slot(found->second);
    found->second.stage = Stage::settling;
    note_run(Clock::now() - found->second.started);
    return found->second.job;
}

std::vector<std::int64_t> RunBoard::settled(const std::vector<ClaimToken>& tokens)
{
    const std::lock_guard lock(mutex_);
    std::vector<std::int64_t> empty;
    for (const auto& token : tokens) {
        const auto found = entries_.find(token.job);
        if (found == entries_.end() || found->second.job.token != token) {
            continue;
        }
        const auto batch = batches_.find(found->second.batch);
        if (batch != batches_.end() && --batch->second == 0) {
            empty.push_back(batch->first);
            batches_.erase(batch);
        }
        entries_.erase(found);
    }
    return empty;
}

std::vector<ClaimedJob> RunBoard::take_waiting()
{
    const std::lock_guard lock(mutex_);
    std::vector<ClaimedJob> taken;
    for (const JobId id : waiting_) {
        Entry& entry = entries_.at(id);
        entry.stage = Stage::settling;
        taken.push_back(entry.job);
    }
    waiting_.clear();
    return taken;
}

void RunBoard::forget(WorkerId worker)
{
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](JobId id) { return entries_.at(id).job.token.worker == worker; });
    std::erase_if(entries_, [&](const auto& entry) {
        if (entry.second.job.token.worker != worker) {
            return false;
        }
        free_slot(entry.second);
        return true;
    });
    batches_.clear();
}

int RunBoard::slots() const
{
    const std::lock_guard lock(mutex_);
    return limits_.slots;
}

int RunBoard::running() const
{
    const std::lock_guard lock(mutex_);
    return running_;
}

int RunBoard::held() const
{
    const std::lock_guard lock(mutex_);
    return static_cast<int>(entries_.size());
}

bool RunBoard::has_run_longer_than(Clock::duration length) const
{
    const std::lock_guard lock(mutex_);
    const auto before = Clock::now() - length;
    return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
        return entry.second.stage == Stage::running && entry.second.started < before;
    });
}

std::optional<ClaimedJob> RunBoard::find(JobId id) const
{
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    return found == entries_.end() ? std::nullopt : std::optional(found->second.job);
}

} // namespace jobrunner
