// A long random life of a database, compared with a small model of it. Invariants I1 to I5, I12 and I13.
#include "storage/storage_fixture.hpp"
#include "storage/storage_model.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

constexpr int steps = 2'000;
constexpr std::size_t unfinished_max = 30;

std::uint64_t seed()
{
    const char* const given = std::getenv("JOBRUNNER_TEST_SEED");
    return given == nullptr ? 20'260'131 : std::strtoull(given, nullptr, 10);
}

class RandomLife {
public:
    RandomLife(StorageFixture& db, std::uint64_t seed) : db_(db), random_(seed)
    {
        model_.workers[alice];
        model_.workers[bob];
    }

    void step()
    {
        const int dice = below(100);
        dice < 22       ? enqueue()
            : dice < 47 ? claim()
            : dice < 72 ? settle()
            : dice < 76 ? settle_itself()
            : dice < 80 ? heartbeat()
            : dice < 83 ? end_lease()
            : dice < 87 ? rescue()
            : dice < 90 ? let_time_pass()
            : dice < 98 ? act()
            : dice < 99 ? retire()
                        : db_.storage->tidy({});
    }

    // Everything that can be seen is as the model says.
    void check_all()
    {
        const auto rows = db_.storage->list({.limit = 10'000});
        CHECK(rows.size() == model_.jobs.size()); // I1: none is lost, none is there twice.
        for (const auto& row : rows) {
            const auto expected = model_.jobs.find(row.id);
            REQUIRE_MESSAGE(expected != model_.jobs.end(), "job ", row.id, " should be gone");
            CHECK(difference(expected->second, row) == "");
            check_closings(row.id, expected->second);
        }
        forget_finished();
    }

private:
    int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }
    template <typename Container>
    auto any_of(const Container& some)
    {
        return *std::next(some.begin(), below(static_cast<int>(some.size())));
    }
    std::optional<JobId> any_job()
    {
        return model_.jobs.empty() ? std::nullopt : std::optional(any_of(model_.jobs).first);
    }
    WorkerId any_worker() { return any_of(model_.workers).first; }

    void enqueue()
    {
        const auto unfinished = std::count_if(model_.jobs.begin(), model_.jobs.end(),
            [](const auto& job) { return !is_finished(job.second.state); });
        if (static_cast<std::size_t>(unfinished) >= unfinished_max) {
            return;
        }
        NewJob job{.kind = any_of(known_kinds)};
        job.priority = below(2);
        job.max_attempts = 1 + below(3);
        if (below(3) == 0) {
            job.unique_key = "key " + std::to_string(below(4));
        } else if (below(4) == 0) {
            job.run_in = 1h;
        }
        const auto holder = job.unique_key ? model_.holder(*job.unique_key) : std::nullopt;
        const bool replace = below(2) == 0;
        const auto added =
            db_.enqueue_on_conflict(job, replace ? OnConflict::replace : OnConflict::skip).at(0);
        CHECK(added.existing == holder.has_value());
        if (holder) {
            CHECK(added.id == *holder);
            if (replace) {
                model_.replaced(*holder);
                model_.jobs.at(*holder).priority = *job.priority;
                model_.jobs.at(*holder).max_attempts = *job.max_attempts;
            }
            return;
        }
        REQUIRE_FALSE(model_.jobs.contains(added.id));
        model_.jobs[added.id] = {.state = job.run_in ? JobState::scheduled : JobState::available,
            .priority = *job.priority,
            .max_attempts = *job.max_attempts,
            .worker = {},
            .unique_key = job.unique_key,
            .closings = {}};
    }

    void claim()
    {
        static_cast<void>(db_.storage->promote(1000));
        const WorkerId worker = any_worker();
        const int limit = 1 + below(5);
        ClaimRequest request = db_.request(worker, limit);
        request.lanes = {{{"default", 0}, 0, limit}, {{"default", 1}, 0, limit}};

        const auto claimed = db_.storage->claim(request);

        const auto urgent = model_.available(0);
        const auto others = model_.available(1);
        const bool able = model_.workers.at(worker).leased && !model_.workers.at(worker).retired;
        const auto expected = able ? std::min<std::size_t>(urgent.size() + others.size(), limit) : 0U;
        CHECK(claimed.size() == expected);
        const auto from_others = std::count_if(
            claimed.begin(), claimed.end(), [](const ClaimedJob& job) { return job.priority == 1; });
        CHECK((from_others == 0 || claimed.size() - static_cast<std::size_t>(from_others) == urgent.size()));
        for (const auto& job : claimed) {
            REQUIRE(model_.jobs.at(job.token.job).state == JobState::available); // I8, I13
            model_.claimed(job.token);
            CHECK(job.token.fence == model_.jobs.at(job.token.job).fence); // I3
            CHECK(job.attempt == model_.jobs.at(job.token.job).attempt);
            CHECK(job.attempt <= job.attempt_limit); // I6
            claims_.push_back(job);
        }
        CHECK(db_.storage->claimed_in(worker, request.batch).size() == claimed.size());
    }

    // Some claims of one worker, live and stale mixed, some of them falsified.
    void settle()
    {
        std::vector<Settlement> settlements;
        WorkerId worker = 0;
        for (int i = 1 + below(4); i > 0 && !claims_.empty(); --i) {
            ClaimedJob job = any_of(below(4) == 0 || live().empty() ? claims_ : live());
            worker = worker == 0 ? job.token.worker : worker;
            if (below(12) == 0) {
                job.token.fence +=
                    1000; // one more might be the job's next claim, decided by what this one knew
            }
            const bool twice = std::any_of(settlements.begin(), settlements.end(),
                [&](const Settlement& other) { return other.token == job.token; });
            if (job.token.worker != worker || twice) {
                continue;
            }
            settlements.push_back(
                db_.decision(job, ended(static_cast<RunEnd>(below(7)), "error " + std::to_string(i))));
        }
        const auto results = db_.storage->settle(settlements, worker, {});
        REQUIRE(results.size() == settlements.size());
        for (std::size_t i = 0; i < results.size(); ++i) {
            check_settled(settlements[i], results[i]);
        }
    }

    void check_settled(const Settlement& settlement, Settled result)
    {
        const ClaimToken& token = settlement.token;
        if (model_.stands(token)) {
            CHECK(result == Settled::applied);
            model_.settled(settlement);
            return;
        }
        CHECK(result != Settled::applied); // I4
        const auto job = model_.jobs.find(token.job);
        if (job != model_.jobs.end() && job->second.closings.contains(token.fence) &&
            job->second.closings.at(token.fence) == "crashed") {
            CHECK(result == Settled::lost);
        }
    }

    void settle_itself()
    {
        if (claims_.empty()) {
            return;
        }
        const ClaimedJob job = any_of(claims_);
        const bool stands = model_.stands(job.token);
        bool refused = false;
        try {
            db_.backend->complete_by_sql(to_text(job.token), "1");
        } catch (const Error&) {
            refused = true;
        }
        CHECK(refused != stands);
        if (stands) {
            model_.settled(db_.decision(job, succeeded()));
        }
    }

    void heartbeat()
    {
        const WorkerId id = any_worker();
        const ModelWorker& worker = model_.workers.at(id);
        CHECK(db_.storage->heartbeat({.worker = id}) == (worker.leased && !worker.retired));
    }

    void end_lease()
    {
        const WorkerId id = any_worker();
        db_.backend->end_lease(id);
        model_.workers.at(id).leased = false;
        register_another();
    }

    void retire()
    {
        const WorkerId id = any_worker();
        db_.storage->retire_worker(id);
        model_.workers.at(id) = {.leased = false, .retired = true};
        register_another();
    }

    void register_another()
    {
        const WorkerId id = next_worker_++;
        db_.register_worker(id);
        model_.workers[id];
    }

    void rescue()
    {
        const auto expected = model_.abandoned();
        const auto found = db_.storage->abandoned(1000);
        std::set<JobId> ids;
        for (const auto& job : found) {
            ids.insert(job.token.job);
            CHECK(model_.stands(job.token));
        }
        CHECK(ids == expected);
        for (const auto& job : found) {
            const Settlement settlement = decide_abandoned(job);
            CAPTURE(job.token.job);
            CHECK(db_.storage->settle({&settlement, 1}, bob, {}) == std::vector{Settled::applied});
            model_.settled(settlement);
        }
        // Nobody looks for what they hold any more, so nothing may be there.
        static_cast<void>(db_.storage->abandoned(1000));
        std::erase_if(model_.workers, [](const auto& worker) { return !worker.second.leased; });
        if (model_.workers.empty()) {
            register_another();
        }
    }

    void let_time_pass()
    {
        for (auto& [id, job] : model_.jobs) {
            if (job.state == JobState::scheduled || job.state == JobState::retryable) {
                db_.backend->bring_forward(id, 2h);
                job.state = JobState::available;
            }
        }
    }

    void act()
    {
        const auto id = any_job();
        if (!id) {
            return;
        }
        const JobAction action = any_of(
            std::vector{JobAction::cancel, JobAction::retry, JobAction::remove, JobAction::reschedule});
        const JobCommand command{.action = action, .run_in = 0ms, .actor = "tester"};
        const auto outcome = db_.storage->act(command, {&*id, 1}).at(0);
        CHECK(outcome.result == model_.act(action, *id)); // I5
    }

    void check_closings(JobId id, const ModelJob& job)
    {
        std::map<int, std::string> found;
        for (const auto& attempt : db_.storage->attempts(id)) {
            CHECK(found.emplace(attempt.fence, attempt.outcome).second);
        }
        CHECK(found == job.closings); // I12
    }

    // Keeps the lists short.
    void forget_finished()
    {
        std::erase_if(
            claims_, [&](const ClaimedJob& job) { return !model_.stands(job.token) && below(3) == 0; });
        std::vector<JobId> finished;
        for (const auto& [id, job] : model_.jobs) {
            if (is_finished(job.state) && below(2) == 0) {
                finished.push_back(id);
            }
        }
        static_cast<void>(db_.storage->act({.action = JobAction::remove, .actor = "tester"}, finished));
        for (const JobId id : finished) {
            model_.jobs.erase(id);
        }
    }

    std::vector<ClaimedJob> live()
    {
        std::vector<ClaimedJob> some;
        std::copy_if(claims_.begin(), claims_.end(), std::back_inserter(some),
            [&](const ClaimedJob& job) { return model_.stands(job.token); });
        return some;
    }

    StorageFixture& db_;
    std::mt19937_64 random_;
    StorageModel model_;
    std::vector<ClaimedJob> claims_;
    WorkerId next_worker_ = 1000;
};

} // namespace

STORAGE_TEST("model: a long random life leaves what a small model says")
{
    const std::uint64_t used = seed();
    INFO("run again with JOBRUNNER_TEST_SEED=", used);
    RandomLife life(db, used);

    for (int i = 1; i <= steps; ++i) {
        CAPTURE(i);
        life.step();
        if (i % 20 == 0) {
            life.check_all();
        }
    }
}
