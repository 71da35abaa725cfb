#include "client/explain_job.hpp"

#include "core/duration.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

std::string count_of(std::int64_t count, const std::string& one, const std::string& many)
{
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string named(JobId id)
{
    return "job " + std::to_string(id);
}

class Explainer {
public:
    Explainer(const JobRow& job, const WaitFacts& facts, const std::vector<ParentRow>& parents)
        : job_(job), facts_(facts), parents_(parents)
    {
    }

    Explanation explain()
    {
        parents();
        turn();
        limit();
        time();
        if (job_.state == JobState::blocked && explanation_.reasons.empty()) {
            add("gate", "nothing blocks it any more: a worker lets it go with its next look");
        }
        queue();
        workers();
        if (explanation_.reasons.empty()) {
            place();
        }
        return std::move(explanation_);
    }

private:
    void add(const std::string& code, const std::string& text)
    {
        explanation_.reasons.push_back({code, text});
    }

    void parents()
    {
        if (job_.state != JobState::blocked) {
            return;
        }
        std::vector<const ParentRow*> open;
        for (const auto& parent : parents_) {
            if (!parent.met) {
                open.push_back(&parent);
            }
        }
        const auto failed = std::find_if(open.begin(), open.end(),
            [](const ParentRow* parent) { return parent->state == "dead" || parent->state == "cancelled"; });
        if (failed != open.end()) {
            add("dependency_failed",
                named((*failed)->id) + ", on which it depends, is " + (*failed)->state +
                    ", and on_dependency_failure is block: retry that one, or cancel this one");
        }
        if (!open.empty()) {
            const auto& first = *open.front();
            add("dependency",
                "it depends on " + named(first.id) + " (" + first.state + ")" +
                    (open.size() > 1 ? " and " +
                                count_of(static_cast<std::int64_t>(open.size()) - 1, "other unfinished job",
                                    "other unfinished jobs")
                                     : ""));
        }
    }

    void turn()
    {
        if (job_.state == JobState::blocked && facts_.turn && *facts_.turn != job_.id) {
            add("serial_key",
                "its serial key \"" + facts_.serial_key.value_or("") + "\" is " + named(*facts_.turn) +
                    "'s turn (" + facts_.turn_state.value_or("finished") + ")");
        }
    }

    void limit()
    {
        if (!facts_.held) {
            return;
        }
        if (!facts_.limit) {
            add("limit", "the limit that held it back was removed: a worker lets it go with its next claim");
            return;
        }
        const auto& limit = *facts_.limit;
        std::string text =
            "the limit of " + std::string(to_string(limit.scope)) + " \"" + limit.name + "\" is ";
        if (limit.at_most) {
            text += std::to_string(*limit.at_most) + " at once";
        }
        if (limit.starts) {
            text += (limit.at_most ? " and " : "") + count_of(*limit.starts, "start", "starts") + " within " +
                format_duration(limit.period.value_or(Milliseconds{0}));
        }
        if (!facts_.holders.empty()) {
            text += "; under it run";
            for (const auto& id : facts_.holders) {
                text += (&id == &facts_.holders.front() ? " job " : ", ") + id;
            }
        }
        add("limit", text);
    }

    void time()
    {
        if (facts_.due) {
            return;
        }
        explanation_.not_before = job_.run_at;
        if (job_.state == JobState::retryable) {
            add("retryable", "its last attempt failed; the next one is due at " + job_.run_at);
        } else {
            add("scheduled", "it is not to run before " + job_.run_at);
        }
    }

    void queue()
    {
        if (facts_.queue_paused) {
            add("queue_paused",
                "queue \"" + job_.queue + "\" is paused: jobrunner queues resume " + job_.queue);
        }
    }

    void workers()
    {
        if (facts_.workers == 0) {
            add("no_worker", "no worker takes jobs: jobrunner work starts one");
        } else if (facts_.workers_of_queue == 0) {
            add("no_worker_for_queue",
                "of " + count_of(facts_.workers, "worker", "workers") + " none serves queue \"" + job_.queue +
                    "\"");
        } else if (facts_.workers_of_kind == 0) {
            add("no_worker_for_kind",
                "no worker of queue \"" + job_.queue + "\" has kind \"" + job_.kind +
                    "\" in its configuration");
        } else if (facts_.workers_able == 0) {
            std::string labels;
            for (const auto& label : facts_.requires_labels) {
                labels += (labels.empty() ? "" : ", ") + label;
            }
            add("no_worker_for_labels", "no worker of its queue and kind has the labels " + labels);
        } else if (facts_.slots_free == 0 && explanation_.reasons.empty()) {
            add("no_free_slot",
                "all slots of " +
                    count_of(
                        facts_.workers_able, "worker that can run it is", "workers that can run it are") +
                    " in use; " + ahead());
        }
    }

    void place() { add("next", "nothing holds it back: " + ahead()); }

    [[nodiscard]] std::string ahead() const
    {
        if (facts_.ahead == 0) {
            return "it is the next of its queue";
        }
        return (facts_.ahead >= ahead_max ? "at least " : "") +
            count_of(facts_.ahead, "job comes", "jobs come") + " before it in its queue";
    }

    const JobRow& job_;
    const WaitFacts& facts_;
    const std::vector<ParentRow>& parents_;
    Explanation explanation_;
};

std::string because(const std::optional<std::string>& reason)
{
    return reason && !reason->empty() ? ": " + *reason : "";
}

} // namespace

Explanation explain_job(
    const JobRow& job, const std::optional<WaitFacts>& facts, const std::vector<ParentRow>& parents)
{
    switch (job.state) {
    case JobState::completed:
        return {{{"completed", "it has completed"}}, std::nullopt};
    case JobState::cancelled:
        return {{{"cancelled", "it was cancelled" + because(job.reason)}}, std::nullopt};
    case JobState::dead:
        return {
            {{"dead", "it is dead" + because(job.reason) + "; jobrunner retry " + std::to_string(job.id)}},
            std::nullopt};
    case JobState::running:
        return {{{"running", "it runs, attempt " + std::to_string(job.attempt)}}, std::nullopt};
    default:
        break;
    }
    if (!facts) {
        return {{{"finished", "it has just finished"}}, std::nullopt};
    }
    return Explainer(job, *facts, parents).explain();
}

} // namespace jobrunner
