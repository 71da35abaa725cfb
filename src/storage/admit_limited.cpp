#include "storage/admit_limited.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

constexpr int lines_max = 500;
constexpr Milliseconds at_once{1};

class Admission {
public:
    Admission(LimitLines& lines, const LimitedRequest& request)
        : lines_(lines), request_(request), queue_room_(request.queue_room)
    {
        for (const auto& lane : request.lanes) {
            most_urgent_ = std::min(most_urgent_.value_or(lane.lane.priority), lane.lane.priority);
        }
        admitted_.last_line = request.after_line;
    }

    Admitted run()
    {
        bool wrapped = false;
        for (int i = 0; i < lines_max && !is_done(); ++i) {
            const auto line = lines_.line_after(admitted_.last_line);
            admitted_.has_lines = admitted_.has_lines || line;
            if (!line) {
                if (wrapped || admitted_.last_line.empty()) {
                    break;
                }
                wrapped = true;
                admitted_.last_line.clear();
                continue;
            }
            if (wrapped && *line > request_.after_line) {
                break;
            }
            admitted_.last_line = *line;
            if (!room_) {
                room_.emplace(lines_.running());
            }
            take_from(*line);
        }
        if (room_) {
            lines_.note_starts(room_->fresh_starts());
            if (const auto again = room_->again()) {
                admitted_.again = std::min(admitted_.again.value_or(*again), *again);
            }
        }
        return std::move(admitted_);
    }

private:
    [[nodiscard]] int room_left() const { return request_.limit - static_cast<int>(admitted_.jobs.size()); }
    [[nodiscard]] bool is_done() const { return room_left() <= 0; }

    void take_from(const std::string& line)
    {
        const auto held_by = lines_.limit_of(line);
        if (!held_by) {
            lines_.release(line);
            admitted_.again = at_once;
            return;
        }
        if (!serves(*held_by)) {
            return;
        }
        know_starts(held_by->limit);
        if (room_->is_full(held_by->limit)) {
            return;
        }
        for (const auto& job : lines_.jobs_of(line, room_left())) {
            if (!wants(job)) {
                continue;
            }
            for (const auto& one : job.limits) {
                know_starts(one);
            }
            const auto full = room_->take(job.cost, job.limits);
            if (full == line) {
                return; // Those behind wait for it: a job that costs much would else wait for ever.
            }
            if (full) {
                lines_.move(job.id, *full);
            } else {
                admit(job);
            }
        }
    }

    // Whether the worker could have any of the line's jobs.
    [[nodiscard]] bool serves(const LineLimit& limit) const
    {
        const auto has = [&](const std::vector<std::string>& names) {
            return std::ranges::find(names, limit.name) != names.end();
        };
        return (limit.scope != LimitScope::kind || has(request_.kinds)) &&
            (limit.scope != LimitScope::queue || request_.queues.empty() || has(request_.queues));
    }

    void know_starts(const JobLimit& limit)
    {
        if (limit.starts && !room_->knows_starts(limit.line)) {
            room_->set_starts(limit.line, lines_.starts_within(limit.line, limit.period));
        }
    }

    [[nodiscard]] bool wants(const LineJob& job) const
    {
        if (most_urgent_ &&
            (job.priority > *most_urgent_ ||
                (job.priority == *most_urgent_ && room_left() <= request_.limit / 2))) {
            return false;
        }
        const auto found = queue_room_.find(job.queue);
        return found == queue_room_.end() || found->second > 0;
    }

    void admit(const LineJob& job)
    {
        admitted_.jobs.push_back(job.id);
        if (const auto found = queue_room_.find(job.queue); found != queue_room_.end()) {
            --found->second;
        }
    }

    LimitLines& lines_;
    const LimitedRequest& request_;
    std::optional<LimitRoom> room_; // from the first line on
    std::map<std::string, int> queue_room_;
    std::optional<int> most_urgent_;
    Admitted admitted_;
};

} // namespace

Admitted admit_limited(LimitLines& lines, const LimitedRequest& request)
{
    return Admission(lines, request).run();
}

void leave_to_claim(LaneClaim& lane, int look_at, int seen, int moved)
{
    if (seen >= look_at) {
        lane.limit = std::min(lane.limit, seen - moved);
    }
}

std::string_view to_string(LimitScope scope)
{
    switch (scope) {
    case LimitScope::queue:
        return "queue";
    case LimitScope::kind:
        return "kind";
    case LimitScope::key:
        return "key";
    }
    return "queue";
}

std::optional<LimitScope> parse_limit_scope(std::string_view word)
{
    for (const auto scope : {LimitScope::queue, LimitScope::kind, LimitScope::key}) {
        if (word == to_string(scope)) {
            return scope;
        }
    }
    return std::nullopt;
}

} // namespace jobrunner
