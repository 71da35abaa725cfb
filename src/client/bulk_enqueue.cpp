#include "client/bulk_enqueue.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

std::vector<NewJob> jobs_of(std::span<const JobLine> lines)
{
    std::vector<NewJob> jobs;
    jobs.reserve(lines.size());
    for (const auto& line : lines) {
        jobs.push_back(line.job);
    }
    return jobs;
}

std::string line_numbers(std::span<const JobLine> lines)
{
    return std::to_string(lines.front().line) + " to " + std::to_string(lines.back().line);
}

std::string what_stands(
    std::span<const JobLine> lines, std::size_t done, std::span<const JobLine> batch, ErrorKind kind)
{
    std::string text = "lines " + line_numbers(batch) +
        (kind == ErrorKind::in_doubt ? " may or may not have been enqueued" : " were not enqueued");
    if (done > 0) {
        text += "; lines " + line_numbers(lines.first(done)) + " were";
    }
    if (done + batch.size() < lines.size()) {
        text += "; lines " + line_numbers(lines.subspan(done + batch.size())) + " were not tried";
    }
    return text;
}

} // namespace

void enqueue_in_batches(
    Storage& storage, std::span<const JobLine> lines, OnConflict on_conflict, const BatchAdded& batch_added)
{
    for (std::size_t done = 0; done < lines.size();) {
        const auto batch = lines.subspan(done, std::min(bulk_batch_max, lines.size() - done));
        std::vector<Enqueued> added;
        try {
            added = storage.enqueue(jobs_of(batch), on_conflict);
        } catch (const Error& error) {
            throw Error(error.kind(),
                std::string(error.what()) + " (" + what_stands(lines, done, batch, error.kind()) + ")");
        }
        batch_added(batch, added);
        done += batch.size();
    }
}

} // namespace jobrunner
