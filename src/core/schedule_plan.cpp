#include "core/schedule_plan.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace jobrunner {
namespace {

using namespace std::chrono;

constexpr seconds late_at_most{60};

} // namespace

MissedRuns parse_missed(std::string_view text)
{
    constexpr std::string_view all = "all up to ";
    if (text == "none") {
        return {MissedRuns::Rule::none, 1};
    }
    if (text == "last") {
        return {MissedRuns::Rule::last, 1};
    }
    std::size_t count = 0;
    const auto digits = text.substr(std::min(all.size(), text.size()));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (!text.starts_with(all) || error != std::errc{} || end != digits.data() + digits.size() || count < 1 ||
        count > missed_runs_max) {
        throw Error(ErrorKind::usage,
            "is \"" + std::string(text) + "\"; none, last or all up to N (1 to " +
                std::to_string(missed_runs_max) + ") was expected");
    }
    return {MissedRuns::Rule::all, count};
}

SchedulePlan plan_schedule(const ScheduleExpression& expression, const ZoneRules& zone,
    std::optional<sys_seconds> due, sys_seconds now, const MissedRuns& missed)
{
    SchedulePlan plan;
    plan.next = expression.next(now, zone);
    if (!due) {
        return plan;
    }
    if (*due > now) {
        plan.next = due;
        return plan;
    }
    const auto from = missed.rule == MissedRuns::Rule::none ? std::max(*due, now - late_at_most) : *due;
    for (const auto at : expression.last_between(from, now, zone, missed.at_most)) {
        plan.runs.push_back({at});
    }
    return plan;
}

Milliseconds jitter_delay(std::string_view name, sys_seconds due, Milliseconds jitter)
{
    if (jitter <= Milliseconds{0}) {
        return Milliseconds{0};
    }
    std::uint64_t hash = 14'695'981'039'346'656'037U; // FNV-1a, whose low bits are good enough
    const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 1'099'511'628'211U; };
    for (const char c : name) {
        mix(static_cast<unsigned char>(c));
    }
    for (auto rest = static_cast<std::uint64_t>(due.time_since_epoch().count()); rest != 0; rest >>= 8U) {
        mix(static_cast<unsigned char>(rest & 0xFFU));
    }
    hash ^= hash >> 32U;
    return Milliseconds(static_cast<std::int64_t>(hash % (static_cast<std::uint64_t>(jitter.count()) + 1)));
}

} // namespace jobrunner
