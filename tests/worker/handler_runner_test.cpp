#include "worker/handler_runner.hpp"

#include "executor/boot_clock.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

struct Sink final : RunSink {
    std::mutex mutex;
    std::vector<std::pair<JobId, RunEnd>> ends;
    void done(const ClaimToken& token, RunReport report) override
    {
        const std::lock_guard lock(mutex);
        ends.emplace_back(token.job, report.end);
    }
    void wrote(const ClaimToken&, const std::string&, std::string) override {}
    void progressed(const ClaimToken&, std::optional<double>, std::optional<std::string>,
        std::optional<std::string>) override
    {
    }
    [[nodiscard]] std::size_t count()
    {
        const std::lock_guard lock(mutex);
        return ends.size();
    }
};

ClaimedJob job(JobId id)
{
    ClaimedJob made;
    made.token = {id, 1, 1};
    made.kind = "test";
    return made;
}

template <typename Condition>
void wait_for(Condition condition)
{
    while (!condition()) {
        std::this_thread::sleep_for(1ms);
    }
}

std::chrono::nanoseconds boot_in(std::chrono::nanoseconds after)
{
    return BootClock::now().time_since_epoch() + after;
}

} // namespace

TEST_CASE("handler runner: a handler that does not end by its lease's end ends the process")
{
    Sink sink;
    std::atomic<bool> told{false};
    std::atomic<bool> over{false};
    std::atomic<JobId> overran{0};
    HandlerRunner runner({{"test", {[&](const HandlerCall& call) {
                               wait_for([&] { return call.stop.stop_requested(); });
                               told = true;
                               wait_for([&] { return over.load(); });
                               return RunReport{};
                           }}}},
        1, sink, [&](const ClaimedJob& job) {
            overran = job.token.job;
            over = true;
        });
    runner.lease_until(boot_in(1s));
    runner.start(job(7));

    wait_for([&] { return overran != 0; });

    CHECK(told); // before the end, while there was time
    CHECK(overran == 7);
}

TEST_CASE("handler runner: a renewed lease lets a handler go on, but not one whose claim was lost")
{
    Sink sink;
    std::atomic<bool> leave{false};
    std::atomic<JobId> overran{0};
    HandlerRunner runner({{"test", {[&](const HandlerCall&) {
                               wait_for([&] { return leave.load(); });
                               return RunReport{};
                           }}}},
        2, sink, [&](const ClaimedJob& job) { overran = job.token.job; });
    runner.lease_until(boot_in(300ms));
    runner.start(job(1));
    wait_for([&] {
        runner.lease_until(boot_in(300ms));
        static int beats = 0;
        std::this_thread::sleep_for(50ms);
        return ++beats == 12;
    });
    CHECK(overran == 0);

    runner.kill_all(StopCause::released); // the worker is somebody else from now on
    runner.lease_until(boot_in(1h));
    wait_for([&] { return overran == 1; });
    leave = true;
}

TEST_CASE("handler runner: what waits for a thread is answered when everything is stopped")
{
    Sink sink;
    std::atomic<int> begun{0};
    HandlerRunner runner({{"test", {[&](const HandlerCall& call) {
                               ++begun;
                               wait_for([&] { return call.stop.stop_requested(); });
                               RunReport report;
                               report.end = RunEnd::failed;
                               return report;
                           }}}},
        1, sink);
    runner.start(job(1));
    wait_for([&] { return begun == 1; });
    runner.start(job(2));

    runner.kill_all(StopCause::released);

    wait_for([&] { return sink.count() == 2; });
    CHECK(begun == 1);
    std::sort(
        sink.ends.begin(), sink.ends.end()); // the runner's and the handler's thread report as they come
    CHECK(sink.ends == std::vector<std::pair<JobId, RunEnd>>{{1, RunEnd::released}, {2, RunEnd::released}});
}

TEST_CASE("handler runner: a job that is cancelled while it waits for a thread never begins")
{
    Sink sink;
    std::atomic<int> begun{0};
    std::atomic<bool> leave{false};
    HandlerRunner runner({{"test", {[&](const HandlerCall&) {
                               ++begun;
                               wait_for([&] { return leave.load(); });
                               return RunReport{};
                           }}}},
        1, sink);
    runner.start(job(1));
    wait_for([&] { return begun == 1; });
    runner.start(job(2));

    runner.stop({2, 1, 1}, StopCause::cancelled);

    wait_for([&] { return sink.count() == 1; });
    CHECK(sink.ends.front() == std::pair<JobId, RunEnd>{2, RunEnd::cancelled});
    leave = true;
    wait_for([&] { return sink.count() == 2; });
    CHECK(begun == 1);
}
