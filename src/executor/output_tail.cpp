#include "executor/output_tail.hpp"

#include <algorithm>

namespace jobrunner {

void OutputTail::begin_run(OutputStream stream)
{
    if (runs_.empty() || runs_.back().stream != stream)
        runs_.push_back({end(), stream});
}

void OutputTail::append(OutputStream stream, std::string_view bytes)
{
    if (bytes.empty())
        return;
    begin_run(stream);
    bytes_.append(bytes);
    // Trimming only when twice too much has gathered makes it cost the same per byte however fast they come.
    if (bytes_.size() > 2 * bytes_max_ || runs_.size() > 2 * runs_max)
        trim();
}

// Drops what is too much: bytes before the last bytes_max_, and runs before the last runs_max.
void OutputTail::trim()
{
    std::uint64_t keep_from = std::max(begin_, end() - std::min<std::uint64_t>(bytes_max_, end()));
    if (runs_.size() > runs_max)
        keep_from = std::max(keep_from, runs_[runs_.size() - runs_max].begin);

    bytes_.erase(0, keep_from - begin_);
    begin_ = keep_from;
    const auto first_later =
        std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.begin > keep_from; });
    if (first_later != runs_.begin())
        runs_.erase(runs_.begin(), std::prev(first_later));
}

std::vector<OutputChunk> OutputTail::cut(std::uint64_t from, std::uint64_t to) const
{
    std::vector<OutputChunk> result;
    for (std::size_t index = 0; index < runs_.size(); ++index) {
        const std::uint64_t run_end = index + 1 < runs_.size() ? runs_[index + 1].begin : end();
        const std::uint64_t first = std::max(from, runs_[index].begin);
        const std::uint64_t last = std::min(to, run_end);
        if (first < last)
            result.push_back({runs_[index].stream, bytes_.substr(first - begin_, last - first)});
    }
    return result;
}

OutputTail::Report OutputTail::report(std::size_t bytes_max)
{
    trim();
    const std::uint64_t from = std::max(reported_, begin_);
    const std::uint64_t to = std::min(end(), from + bytes_max);
    Report report{cut(from, to), from - reported_};
    reported_ = to;
    return report;
}

std::vector<OutputChunk> OutputTail::chunks()
{
    trim();
    return cut(begin_, end());
}

std::uint64_t OutputTail::bytes_dropped()
{
    trim();
    return begin_;
}

} // namespace jobrunner
