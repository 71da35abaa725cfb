#include "core/settlement.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace jobrunner {
namespace {

std::string outcome_word(RunEnd end)
{
    switch (end) {
    case RunEnd::succeeded:
        return "completed";
    case RunEnd::failed:
    case RunEnd::failed_for_good:
        return "failed";
    case RunEnd::killed:
        return "killed";
    case RunEnd::out_of_memory:
        return "out_of_memory";
    case RunEnd::timed_out:
        return "timed_out";
    case RunEnd::snoozed:
        return "snoozed";
    case RunEnd::cancelled:
        return "cancelled";
    case RunEnd::released:
        return "released";
    case RunEnd::crashed:
        return "crashed";
    }
    return "failed";
}

// Of an attempt that another one may follow.
std::string what_it_did(RunEnd end)
{
    switch (end) {
    case RunEnd::killed:
        return "was killed";
    case RunEnd::out_of_memory:
        return "ran out of memory";
    case RunEnd::timed_out:
        return "timed out";
    default:
        return outcome_word(end);
    }
}

void give_back(Settlement& settlement, Milliseconds delay)
{
    settlement.verdict = Verdict::requeue;
    settlement.refund = 1;
    settlement.delay = delay;
}

void bury(Settlement& settlement, std::string reason)
{
    settlement.verdict = Verdict::dead;
    settlement.reason = std::move(reason);
    settlement.fingerprint = error_fingerprint(settlement.report.error_class, settlement.report.error);
}

void retry_or_bury(Settlement& settlement, int attempt, int attempt_limit, Milliseconds delay)
{
    if (attempt >= attempt_limit) {
        bury(settlement,
            "out of attempts (" + std::to_string(attempt) + " of " + std::to_string(attempt_limit) + ")");
        return;
    }
    settlement.verdict = Verdict::requeue;
    settlement.delay = settlement.report.delay.value_or(delay);
    settlement.reason = "attempt " + std::to_string(attempt) + " of " + std::to_string(attempt_limit) + " " +
        what_it_did(settlement.report.end);
}

void settle_release(Settlement& settlement, const ClaimedJob& job, const KindPolicy& policy)
{
    give_back(settlement, settlement.report.delay.value_or(Milliseconds{0}));
    settlement.reason = "given back by its worker";
    if (job.give_backs >= policy.max_give_backs) {
        settlement.refund = 0; // A job that is given back for ever must come to an end.
        if (job.attempt >= job.attempt_limit) {
            bury(settlement, "given back " + std::to_string(job.give_backs) + " times and out of attempts");
        }
    }
}

bool is_digit(char c)
{
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// Letters and digits at the start of `text`.
std::size_t word_length(std::string_view text)
{
    const auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_part) - text.begin());
}

// Decimal or hexadecimal, with 0x or without: counts, addresses, parts of a UUID.
bool is_number(std::string_view word)
{
    word.remove_prefix(word.starts_with("0x") ? 2 : 0);
    return std::any_of(word.begin(), word.end(), is_digit) &&
        std::all_of(word.begin(), word.end(),
            [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
}

} // namespace

bool is_failure(RunEnd end)
{
    switch (end) {
    case RunEnd::failed:
    case RunEnd::failed_for_good:
    case RunEnd::killed:
    case RunEnd::out_of_memory:
    case RunEnd::timed_out:
        return true;
    default:
        return false;
    }
}

Settlement decide(const ClaimedJob& job, const KindPolicy& policy, RunReport report, double random)
{
    Settlement settlement{.token = job.token,
        .verdict = Verdict::complete,
        .outcome = outcome_word(report.end),
        .reason = {},
        .keep = policy.keep,
        .kind = job.kind,
        .attempt = job.attempt,
        .fingerprint = {},
        .report = std::move(report)};
    switch (settlement.report.end) {
    case RunEnd::succeeded:
        break;
    case RunEnd::failed_for_good:
        bury(settlement, "failed for good");
        break;
    case RunEnd::cancelled:
        settlement.verdict = Verdict::cancelled;
        settlement.reason = "cancelled while running";
        break;
    case RunEnd::snoozed:
        give_back(settlement, settlement.report.delay.value_or(policy.snooze));
        settlement.reason = "snoozed";
        break;
    case RunEnd::released:
        settle_release(settlement, job, policy);
        break;
    case RunEnd::failed:
    case RunEnd::killed:
    case RunEnd::out_of_memory:
    case RunEnd::timed_out:
    case RunEnd::crashed:
        retry_or_bury(
            settlement, job.attempt, job.attempt_limit, retry_delay(policy.retry, job.attempt, random));
        break;
    }
    return settlement;
}

Settlement decide_abandoned(const AbandonedJob& job)
{
    RunReport report;
    report.end = RunEnd::crashed;
    report.error = "its worker was lost";
    report.error_class = "WorkerLost";
    Settlement settlement{.token = job.token,
        .verdict = Verdict::requeue,
        .outcome = outcome_word(RunEnd::crashed),
        .reason = {},
        .keep = std::nullopt,
        .kind = job.kind,
        .attempt = job.attempt,
        .fingerprint = {},
        .report = std::move(report)};
    const bool first = job.crashes == 0;
    retry_or_bury(settlement, job.attempt, job.attempt_limit, first ? Milliseconds{0} : job.retry_delay);
    return settlement;
}

std::string error_fingerprint(std::string_view error_class, std::string_view error)
{
    // FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/), over the error's words without numbers.
    std::uint64_t hash = 14695981039346656037ULL;
    const auto add = [&hash](char c) { hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL; };
    for (const char c : error_class) {
        add(c);
    }
    bool quoted = false;
    for (std::string_view rest = error.substr(0, 512); !rest.empty();) {
        const std::string_view word = rest.substr(0, std::max<std::size_t>(word_length(rest), 1));
        rest.remove_prefix(word.size());
        if (word == "\"" || word == "'") {
            quoted = !quoted;
        } else if (!quoted && !is_number(word)) {
            for (const char c : word) {
                if (!is_digit(c)) {
                    add(c);
                }
            }
        }
    }
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
    return text.data();
}

} // namespace jobrunner
