#include "client/job_log.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

// Kept output is at most 16 MiB long; what was printed is remembered for as long as that.
constexpr std::size_t remembered_bytes_max = 16 * 1024 * 1024;
constexpr std::size_t chunks_per_call = 1000;

void remember(std::string& printed, const std::string& body)
{
    printed += body;
    if (printed.size() > 2 * remembered_bytes_max) {
        printed.erase(0, printed.size() - remembered_bytes_max);
    }
}

} // namespace

std::string_view unseen_part(std::string_view printed, std::string_view kept)
{
    if (kept.starts_with(printed)) {
        return kept.substr(printed.size());
    }
    // The longest end of `printed` that `kept` begins with, found in one pass (Knuth, Morris and Pratt).
    const auto end = printed.substr(printed.size() - std::min(printed.size(), kept.size()));
    std::vector<std::size_t> border(kept.size() + 1, 0);
    for (std::size_t i = 1, length = 0; i < kept.size(); ++i) {
        while (length > 0 && kept[i] != kept[length]) {
            length = border[length];
        }
        length += kept[i] == kept[length] ? 1 : 0;
        border[i + 1] = length;
    }
    std::size_t matched = 0;
    for (const char c : end) {
        while (matched > 0 && (matched == kept.size() || kept[matched] != c)) {
            matched = border[matched];
        }
        matched += matched < kept.size() && kept[matched] == c ? 1 : 0;
    }
    return kept.substr(matched);
}

std::vector<OutputRow> JobLog::read()
{
    // The job first: once it is finished, what follows is complete.
    const auto job = storage_.find(id_);
    if (!job && !seen_) {
        throw Error(ErrorKind::not_found, "job " + std::to_string(id_) + " is not found");
    }
    seen_ = true;
    std::vector<OutputRow> parts;
    read_live(parts);
    if (job) {
        read_kept(*job, parts);
    }
    at_end_ = !job || is_finished(job->state);
    std::ranges::stable_sort(parts, {}, &OutputRow::fence);
    return parts;
}

void JobLog::read_live(std::vector<OutputRow>& parts)
{
    for (bool more = true; more;) {
        auto chunks = storage_.output(id_, live_fence_, live_sequence_);
        more = chunks.size() >= chunks_per_call;
        for (auto& chunk : chunks) {
            live_fence_ = chunk.fence;
            live_sequence_ = chunk.sequence;
            remember(live_[chunk.fence], chunk.body);
            parts.push_back(std::move(chunk));
        }
    }
}

void JobLog::read_kept(const JobRow& job, std::vector<OutputRow>& parts)
{
    const int last_settled = job.state == JobState::running ? job.fence - 1 : job.fence;
    if (last_settled <= kept_through_) {
        return;
    }
    for (const auto& attempt : storage_.attempts(id_)) {
        if (attempt.fence > kept_through_ && attempt.output) {
            add_kept(attempt.fence, attempt.finished_at, *attempt.output, parts);
        }
    }
    if (job.output && job.fence > kept_through_) {
        add_kept(job.fence, job.finished_at, *job.output, parts);
    }
    kept_through_ = std::max(kept_through_, last_settled);
}

void JobLog::add_kept(
    int fence, const std::optional<Instant>& at, const std::string& kept, std::vector<OutputRow>& parts)
{
    const auto unseen = unseen_part(live_[fence], kept);
    if (!unseen.empty()) {
        parts.push_back({fence, 0, at.value_or(""), "kept", std::string(unseen)});
    }
    live_.erase(fence);
    kept_through_ = std::max(kept_through_, fence);
}

} // namespace jobrunner
