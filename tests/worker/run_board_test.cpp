#include "worker/run_board.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

namespace {

ClaimedJob job(JobId id, const std::string& queue = "default", WorkerId worker = 7)
{
    ClaimedJob job;
    job.token = {id, 1, worker};
    job.kind = "quick";
    job.queue = queue;
    return job;
}

std::vector<JobId> ids(const std::vector<ClaimedJob>& jobs)
{
    std::vector<JobId> ids;
    for (const auto& one : jobs) {
        ids.push_back(one.token.job);
    }
    return ids;
}

} // namespace

TEST_CASE("run board: starts what has a slot, and lets the rest wait for one")
{
    RunBoard board({.slots = 2, .queue_slots = {}});

    CHECK(ids(board.admit(1, {job(1), job(2), job(3)})) == std::vector<JobId>{1, 2});
    CHECK(board.running() == 2);
    CHECK(board.room() == 0);
    CHECK(board.next().empty());

    CHECK(board.ended(job(1).token).has_value());
    CHECK(ids(board.next()) == std::vector<JobId>{3});
    CHECK(board.held() == 3);
}

TEST_CASE("run board: a queue with slots of its own holds to them and holds nobody else back")
{
    RunBoard board({.slots = 10, .queue_slots = {{"mail", 1}}});

    CHECK(ids(board.admit(1, {job(1, "mail"), job(2, "mail"), job(3, "other")})) == std::vector<JobId>{1});
    CHECK(board.room("mail") == 0);
    CHECK(ids(board.next()) == std::vector<JobId>{3});

    CHECK(board.ended(job(1, "mail").token).has_value());
    CHECK(ids(board.next()) == std::vector<JobId>{2});
}

TEST_CASE("run board: what operators set for a queue wins, and its absence brings the configuration's back")
{
    RunBoard board({.slots = 10, .queue_slots = {{"mail", 2}}});
    CHECK(board.own_room() == std::map<std::string, int>{{"mail", 2}});

    board.set_queue_slots({{"mail", 1}, {"bulk", 0}});
    CHECK(board.room("mail") == 1);
    CHECK(board.room("bulk") == 0);
    CHECK(board.own_room() == std::map<std::string, int>{{"bulk", 0}, {"mail", 1}});
    CHECK(board.admit(1, {job(1, "bulk")}).empty());

    board.set_queue_slots({});
    CHECK(board.room("mail") == 2);
    CHECK(ids(board.next()) == std::vector<JobId>{1});
}

TEST_CASE("run board: a job's end counts once, and only for the claim that is held")
{
    RunBoard board({.slots = 2, .queue_slots = {}});
    static_cast<void>(board.admit(1, {job(1)}));
    ClaimToken stale = job(1).token;
    stale.fence = 9;

    CHECK_FALSE(board.ended(stale).has_value());
    CHECK(board.ended(job(1).token).has_value());
    CHECK_FALSE(board.ended(job(1).token).has_value());
    CHECK(board.running() == 0);
}

TEST_CASE("run board: a batch is done with the last of its jobs")
{
    RunBoard board({.slots = 4, .queue_slots = {}});
    static_cast<void>(board.admit(5, {job(1), job(2)}));

    CHECK(board.settled({job(1).token}).empty());
    CHECK(board.settled({job(2).token}) == std::vector<std::int64_t>{5});
    CHECK(board.held() == 0);
}

TEST_CASE("run board: what a lost identity held is forgotten, running or waiting, and frees its slots")
{
    RunBoard board({.slots = 1, .queue_slots = {}});
    static_cast<void>(board.admit(1, {job(1), job(2)}));

    board.forget(7);

    CHECK(board.held() == 0);
    CHECK(board.running() == 0);
    CHECK(board.room() == 1);
    CHECK_FALSE(board.ended(job(1).token).has_value());
}

TEST_CASE("run board: waiting jobs can be taken back, running ones stay")
{
    RunBoard board({.slots = 1, .queue_slots = {}});
    static_cast<void>(board.admit(1, {job(1), job(2), job(3)}));

    CHECK(ids(board.take_waiting()) == std::vector<JobId>{2, 3});
    CHECK(board.running() == 1);
    CHECK(board.next().empty());
}
