#include "core/lane_book.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace jobrunner {
namespace {

// Below and above every priority of a smallint.
constexpr int below_all = -32769;
constexpr int above_all = 32768;
// Above every name in the order of bytes: U+10FFFF.
const std::string last_name = "\xF4\x8F\xBF\xBF";

// Marks closer together than this are one: a bound on their number.
constexpr std::chrono::milliseconds mark_distance{25};

} // namespace

LaneBook::LaneBook(std::vector<std::string> queues)
{
    reset(std::move(queues));
}

void LaneBook::reset(std::vector<std::string> queues)
{
    queues_ = std::move(queues);
    std::sort(queues_.begin(), queues_.end());
    lanes_.clear();
}

bool LaneBook::is_paused(const std::string& queue) const
{
    return std::binary_search(paused_.begin(), paused_.end(), queue);
}

void LaneBook::set_paused(std::vector<std::string> queues)
{
    std::sort(queues.begin(), queues.end());
    const auto before = std::exchange(paused_, std::move(queues));
    for (const auto& queue : before) {
        if (!is_paused(queue)) {
            std::erase_if(lanes_, [&](const auto& lane) { return lane.first.queue == queue; });
        }
    }
}

std::vector<LaneRange> LaneBook::ranges(bool from_bottom) const
{
    std::vector<LaneRange> ranges;
    const auto cover = [&](const Lane& low, const Lane& high) {
        ranges.push_back({low, 0, high});
        for (auto lane = lanes_.upper_bound(low); lane != lanes_.end() && lane->first < high; ++lane) {
            // The lane by itself: a probe finds one lane per range, and a full one must not hide those behind it.
            const Lane end{lane->first.queue, lane->first.priority + 1};
            ranges.back().high = lane->first;
            ranges.push_back({lane->first, from_bottom ? 0 : lane->second.floor, end});
            ranges.push_back({end, 0, high});
        }
    };
    for (const auto& queue : queues_) {
        if (!is_paused(queue)) {
            cover({queue, below_all}, {queue, above_all});
        }
    }
    if (queues_.empty()) {
        Lane low{"", below_all};
        for (const auto& paused : paused_) {
            cover(low, {paused, below_all});
            low = {paused, above_all};
        }
        cover(low, {last_name, above_all});
    }
    return ranges;
}

void LaneBook::learn(std::span<const LaneFound> found)
{
    for (const auto& one : found) {
        if (is_paused(one.lane.queue)) {
            continue;
        }
        State& state = lanes_[one.lane];
        state.suspected = true;
        state.last_seen = one.last;
        if (one.first <= state.floor) {
            state.floor = one.first - 1;
            state.marks.clear();
        }
    }
    forget_surplus();
}

void LaneBook::forget_surplus()
{
    if (lanes_.size() <= known_max) {
        return;
    }
    std::vector<std::map<Lane, State>::iterator> order;
    for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
        order.push_back(lane);
    }
    const auto worth = [](const auto& lane) {
        return std::tuple(
            !lane->second.suspected, -lane->second.gave_at.time_since_epoch(), lane->first.priority);
    };
    std::stable_sort(order.begin(), order.end(),
        [&](const auto& one, const auto& other) { return worth(one) < worth(other); });
    for (std::size_t i = known_max; i < order.size(); ++i) {
        lanes_.erase(order[i]);
    }
}

std::vector<LaneClaim> LaneBook::claims(int limit)
{
    std::vector<LaneClaim> claims;
    for (const auto& [lane, state] : lanes_) {
        if (state.suspected && !is_paused(lane.queue)) {
            claims.push_back({lane, state.floor, limit});
        }
    }
    // Queues that are alike take turns: each claim starts with another one.
    if (!claims.empty()) {
        std::rotate(claims.begin(), claims.begin() + static_cast<std::ptrdiff_t>(turn_++ % claims.size()),
            claims.end());
    }
    share(claims, limit);
    claims.resize(std::min(claims.size(), lanes_max));
    return claims;
}

double LaneBook::weight_of(const std::string& queue) const
{
    const auto found = weights_.find(queue);
    return found == weights_.end() ? 1 : found->second;
}

void LaneBook::share(std::vector<LaneClaim>& claims, int limit)
{
    double least = 0;
    std::map<std::string, double> had;
    for (const auto& claim : claims) {
        const auto before = had_.find(claim.lane.queue);
        if (before != had_.end()) {
            least = had.empty() ? before->second : std::min(least, before->second);
            had.insert(*before);
        }
    }
    std::map<int, std::map<std::string, double>> weights; // by priority
    for (const auto& claim : claims) {
        had.emplace(claim.lane.queue, least);
        weights[claim.lane.priority][claim.lane.queue] = weight_of(claim.lane.queue);
    }
    had_ = std::move(had);
    for (auto& claim : claims) {
        double all = 0;
        for (const auto& [queue, weight] : weights[claim.lane.priority]) {
            all += weight;
        }
        claim.limit = static_cast<int>(std::ceil(limit * weight_of(claim.lane.queue) / all));
    }
    std::stable_sort(claims.begin(), claims.end(), [&](const LaneClaim& a, const LaneClaim& b) {
        return std::tuple(a.lane.priority, had_.at(a.lane.queue)) <
            std::tuple(b.lane.priority, had_.at(b.lane.queue));
    });
}

void LaneBook::observe(
    std::span<const LaneClaim> asked, int limit, std::span<const ClaimedJob> claimed, Time now)
{
    const bool all_filled = claimed.size() >= static_cast<std::size_t>(limit);
    for (const auto& claim : asked) {
        const auto lane = lanes_.find(claim.lane);
        if (lane == lanes_.end()) {
            continue;
        }
        State& state = lane->second;
        std::int64_t read = state.marks.empty() ? state.floor : state.marks.back().position;
        int taken = 0;
        for (const auto& job : claimed) {
            if (job.priority == claim.lane.priority && job.queue == claim.lane.queue) {
                read = std::max(read, job.position);
                ++taken;
            }
        }
        state.gave_at = taken > 0 ? now : state.gave_at;
        had_[claim.lane.queue] += taken / weight_of(claim.lane.queue);
        if (!all_filled && taken < claim.limit) {
            state.suspected = false;
            read = std::max(read, state.last_seen);
        }
        raise_floor(state, read, now);
    }
}

void LaneBook::suspect_recent(Time now)
{
    for (auto& [lane, state] : lanes_) {
        state.suspected = state.suspected || now - state.gave_at <= recent_for;
    }
}

void LaneBook::raise_floor(State& state, std::int64_t read, Time now)
{
    auto& marks = state.marks;
    if (marks.size() >= 2 && now - marks[marks.size() - 2].at < mark_distance) {
        marks.back() = {now, read};
    } else {
        marks.push_back({now, read});
    }
    while (!marks.empty() && marks.front().at + lag <= now) {
        state.floor = std::max(state.floor, marks.front().position);
        marks.pop_front();
    }
}

} // namespace jobrunner
