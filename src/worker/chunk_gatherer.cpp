#include "worker/chunk_gatherer.hpp"

#include <algorithm>

namespace jobrunner {

ChunkGatherer::ChunkGatherer(Start start) : start_(std::move(start)) {}

void ChunkGatherer::start(
    std::unique_lock<std::mutex>& lock, std::map<std::string, Gathered>::iterator gathered)
{
    const auto jobs = std::move(gathered->second.jobs);
    kinds_.erase(gathered);
    ++starting_;
    lock.unlock();
    start_(jobs);
    lock.lock();
    --starting_;
    started_.notify_all();
}

void ChunkGatherer::add(const ClaimedJob& job, const ChunkConfig& chunk)
{
    std::unique_lock lock(mutex_);
    const auto [gathered, is_first] = kinds_.try_emplace(job.kind);
    gathered->second.jobs.push_back(job);
    if (static_cast<int>(gathered->second.jobs.size()) >= chunk.max) {
        start(lock, gathered);
        return;
    }
    if (!is_first) {
        return;
    }
    gathered->second.due = Clock::now() + chunk.wait;
    if (!clock_.joinable()) {
        clock_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    }
    changed_.notify_one();
}

bool ChunkGatherer::remove(const ClaimToken& token)
{
    std::unique_lock lock(mutex_);
    started_.wait(lock, [this] { return starting_ == 0; });
    for (auto gathered = kinds_.begin(); gathered != kinds_.end(); ++gathered) {
        auto& jobs = gathered->second.jobs;
        if (std::erase_if(jobs, [&](const ClaimedJob& job) { return job.token == token; }) > 0) {
            if (jobs.empty()) {
                kinds_.erase(gathered);
            }
            return true;
        }
    }
    return false;
}

std::vector<ClaimToken> ChunkGatherer::clear()
{
    const std::lock_guard lock(mutex_);
    std::vector<ClaimToken> tokens;
    for (const auto& [kind, gathered] : kinds_) {
        for (const auto& job : gathered.jobs) {
            tokens.push_back(job.token);
        }
    }
    kinds_.clear();
    return tokens;
}

std::map<std::string, ChunkGatherer::Gathered>::iterator ChunkGatherer::next_due()
{
    return std::ranges::min_element(kinds_, {}, [](const auto& one) { return one.second.due; });
}

void ChunkGatherer::watch(const std::stop_token& stop)
{
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const auto next = next_due();
        if (next == kinds_.end()) {
            changed_.wait(lock, stop, [this] { return !kinds_.empty(); });
        } else if (const auto due = next->second.due; due > Clock::now()) {
            // The lock is let go meanwhile: the kind may be gone, or another one be due before.
            changed_.wait_until(
                lock, stop, due, [&] { return next_due() != kinds_.end() && next_due()->second.due < due; });
        } else {
            start(lock, next);
        }
    }
}

} // namespace jobrunner
