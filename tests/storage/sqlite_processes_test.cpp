// Many processes on one SQLite file, and some that die.

#include "storage/sqlite_file.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

namespace {

constexpr int processes = 6;
constexpr int rounds = 15;

void make_worker(Storage& storage, WorkerId id)
{
    KindPolicy policy;
    policy.kind = "email";
    storage.publish_kinds({{policy}}, "test");
    WorkerRecord worker;
    worker.id = id;
    worker.name = "w" + std::to_string(id);
    worker.host = "here";
    worker.version = "0.1.0";
    storage.register_worker(worker);
}

ClaimRequest request(WorkerId worker, std::int64_t batch, int limit)
{
    return {.worker = worker,
        .batch = batch,
        .lanes = {{{"default", 0}, 0, limit}},
        .limit = limit,
        .kinds = {"email"},
        .labels = {}};
}

std::vector<Settlement> completions(const std::vector<ClaimedJob>& jobs)
{
    std::vector<Settlement> settlements;
    for (const auto& job : jobs) {
        settlements.push_back(decide(job, KindPolicy{}, RunReport{}, 0.5));
    }
    return settlements;
}

// Enqueues, claims and completes without end.
void churn(const SqliteFile& file, WorkerId id)
{
    const auto storage = file.open();
    make_worker(*storage, id);
    for (std::int64_t batch = 1;; ++batch) {
        static_cast<void>(
            storage->enqueue(std::vector<NewJob>(20, NewJob{.kind = "email"}), OnConflict::refuse));
        const auto jobs = storage->claim(request(id, batch, 15));
        static_cast<void>(storage->settle(completions(jobs), id, {}));
    }
}

} // namespace

TEST_CASE("sqlite: several processes write at once, and none is told that the file is busy")
{
    SqliteFile file;
    file.migrate();
    std::vector<int> children;
    for (int nth = 1; nth <= processes; ++nth) {
        children.push_back(in_child([&] {
            const auto storage = file.open();
            make_worker(*storage, nth);
            for (int round = 0; round < rounds; ++round) {
                static_cast<void>(storage->enqueue(std::vector{NewJob{.kind = "email"}}, OnConflict::refuse));
                const auto jobs = storage->claim(request(nth, round + 1, 2));
                for (const auto settled : storage->settle(completions(jobs), nth, {})) {
                    if (settled != Settled::applied) {
                        throw Error(ErrorKind::internal, "a claim was taken away");
                    }
                }
            }
        }));
    }

    for (const int child : children) {
        CHECK(wait_for_child(child) == 0);
    }
    CHECK(file.sql("SELECT count(*) FROM all_jobs") == std::to_string(processes * rounds));
    CHECK(file.sql("SELECT count(*) FROM jobs WHERE state = 'running'") == "0");
    CHECK(file.sql("PRAGMA integrity_check") == "ok");
}

TEST_CASE("sqlite: processes killed in the middle of their writes leave a whole file and whole transactions")
{
    SqliteFile file;
    file.migrate();
    for (int round = 0; round < 4; ++round) {
        std::vector<int> children;
        for (int nth = 1; nth <= 3; ++nth) {
            children.push_back(in_child([&] { churn(file, round * 10 + nth); }));
        }
        // Long enough that they have begun, at another moment each round.
        const auto seen = file.sql("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'jobs'");
        for (int tries = 0; tries < 2000; ++tries) {
            if (file.sql("SELECT coalesce(max(seq), 0) > " + seen +
                    " + 30 FROM sqlite_sequence WHERE name = 'jobs'") == "1") {
                break;
            }
            std::this_thread::sleep_for(5ms);
        }
        for (const int child : children) {
            ::kill(child, SIGKILL);
            CHECK(wait_for_child(child) == -SIGKILL);
        }

        CHECK(file.sql("PRAGMA integrity_check") == "ok");
        CHECK(file.sql("SELECT count(*) % 20 FROM all_jobs") == "0");
        CHECK(file.sql("SELECT count(*) FROM (SELECT id FROM all_jobs GROUP BY id HAVING count(*) > 1)") ==
            "0");
        CHECK(file.sql("SELECT (SELECT coalesce(sum(completed), 0) FROM statistics) = (SELECT count(*) FROM "
                       "history)") == "1");
        CHECK(
            file.sql(
                "SELECT count(*) FROM jobs j WHERE state = 'running' AND NOT EXISTS (SELECT 1 FROM claims c, "
                "json_each(c.jobs) e WHERE c.worker = j.worker AND e.value = j.id)") == "0");
    }
}

TEST_CASE("sqlite: a file held for longer than the deadline is unreachable, and usable again afterwards")
{
    SqliteFile file;
    file.migrate();
    DatabaseOptions options = file.options();
    options.deadline = 100ms;
    const auto storage = open_storage(options);

    file.sql("BEGIN EXCLUSIVE");
    ErrorKind kind = ErrorKind::internal;
    std::string message;
    try {
        static_cast<void>(storage->enqueue(std::vector{NewJob{.kind = "email"}}, OnConflict::refuse));
    } catch (const Error& error) {
        kind = error.kind();
        message = error.what();
    }
    file.sql("ROLLBACK");

    CHECK(kind == ErrorKind::unreachable);
    CHECK(message.find("held by another program") != std::string::npos);
    CHECK(storage->enqueue(std::vector{NewJob{.kind = "email"}}, OnConflict::refuse).size() == 1);
}

TEST_CASE("sqlite: a reader that holds on does not make writers fail before their deadline")
{
    SqliteFile file;
    file.migrate();
    const auto storage = file.open();
    file.sql("BEGIN; SELECT count(*) FROM jobs");
    std::jthread releaser([&] {
        std::this_thread::sleep_for(150ms);
        file.sql("COMMIT");
    });

    CHECK(storage->enqueue(std::vector{NewJob{.kind = "email"}}, OnConflict::refuse).size() == 1);
}

TEST_CASE("sqlite: a file that was replaced is opened anew")
{
    SqliteFile file;
    file.migrate();
    const auto storage = file.open();
    static_cast<void>(storage->enqueue(std::vector{NewJob{.kind = "email"}}, OnConflict::refuse));
    file.close();
    for (const auto* part : {"", "-journal"}) {
        ::unlink((file.path() + part).c_str());
    }

    CHECK_THROWS_AS(static_cast<void>(storage->list({})), Error);
    file.migrate();
    CHECK(storage->list({}).empty());
}
