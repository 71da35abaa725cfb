#include "worker/command_chunk.hpp"

#include "worker/chunk_gatherer.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

ClaimedJob job(JobId id, const std::string& kind = "tally")
{
    ClaimedJob job;
    job.token = {id, 1, 7};
    job.kind = kind;
    return job;
}

struct ChunkSink final : RunSink {
    void done(const ClaimToken& token, RunReport report) override { reports[token.job] = std::move(report); }
    void wrote(const ClaimToken& token, const std::string&, std::string text) override
    {
        printed[token.job] += text;
    }
    void progressed(const ClaimToken& token, std::optional<double> percent, std::optional<std::string>,
        std::optional<std::string>) override
    {
        percents[token.job] = percent.value_or(-1);
    }
    std::map<JobId, RunReport> reports;
    std::map<JobId, std::string> printed;
    std::map<JobId, double> percents;
};

struct ChunkFixture {
    CommandChunk chunk{{job(1), job(2), job(3)}, 1min};
    ChunkSink sink;

    Milliseconds say(const std::string& line) { return chunk.on_message({.key = 1, .line = line}); }
    ChunkSink& heard()
    {
        for (const auto& word : chunk.take_words()) {
            word(sink);
        }
        return sink;
    }
    void exit(int code)
    {
        ProcessEnded end{.key = 1, .end = ProcessEnd::exited, .exit_code = code};
        end.output.push_back({.stream = OutputStream::error, .bytes = "what it said"});
        end.cpu = 40ms;
        chunk.on_end(end);
    }
};

} // namespace

TEST_CASE_FIXTURE(
    ChunkFixture, "command chunk: a job is settled when its end is said, the first one with the process")
{
    CHECK(say(R"({"type":"done","id":"1","result":{"n":1}})") == 0ms);
    CHECK(say(R"({"type":"done","id":"2","result":{"n":2}})") == 0ms);
    CHECK(heard().reports.size() == 1);
    CHECK(sink.reports.at(2).result == R"({"n":2})");
    CHECK(chunk.take_ended() == std::vector<JobId>{2});

    exit(0);

    CHECK(heard().reports.size() == 3);
    CHECK(sink.reports.at(1).result == R"({"n":1})");
    CHECK(sink.reports.at(1).output == "what it said");
    CHECK(sink.reports.at(1).cpu_ms == 40);
    CHECK(sink.reports.at(3).end == RunEnd::succeeded);
    CHECK_FALSE(sink.reports.at(3).cpu_ms);
}

TEST_CASE_FIXTURE(ChunkFixture, "command chunk: what nothing was said of fails as the process does")
{
    static_cast<void>(say(R"({"type":"fail","id":"2","error":"no","retry":false})"));
    exit(3);

    CHECK(heard().reports.at(2).end == RunEnd::failed_for_good);
    for (const JobId id : {1, 3}) {
        CHECK(sink.reports.at(id).end == RunEnd::failed);
        CHECK(sink.reports.at(id).error == "exit code 3: what it said");
        CHECK(sink.reports.at(id).output == "what it said");
    }
}

TEST_CASE_FIXTURE(ChunkFixture, "command chunk: stopped for one job, the others are given back")
{
    CHECK_FALSE(chunk.stop({2, 99, 7}, StopCause::cancelled));
    CHECK_FALSE(chunk.stop({4, 1, 7}, StopCause::cancelled));
    CHECK(chunk.stop({2, 1, 7}, StopCause::cancelled));
    chunk.on_end({.key = 1, .end = ProcessEnd::stopped});

    CHECK(heard().reports.at(2).end == RunEnd::cancelled);
    CHECK(sink.reports.at(1).end == RunEnd::released);
    CHECK(sink.reports.at(3).end == RunEnd::released);
}

TEST_CASE_FIXTURE(ChunkFixture, "command chunk: progress, log and more time are about the job that they name")
{
    static_cast<void>(say(R"({"type":"progress","id":"3","percent":50})"));
    static_cast<void>(say(R"({"type":"log","id":"2","line":"half"})"));
    CHECK(say(R"({"type":"extend","id":"3","by_ms":500})") == 500ms);
    chunk.on_output({{.stream = OutputStream::out, .bytes = "x"}});

    CHECK(heard().percents.at(3) == 50);
    CHECK(sink.printed.at(2) == "half\n");
    CHECK(sink.printed.at(1) == "x");

    chunk.on_end({.key = 1, .end = ProcessEnd::timed_out});
    CHECK(heard().reports.at(2).error == "timed out after 1m500ms");
}

TEST_CASE_FIXTURE(ChunkFixture,
    "command chunk: a line that is no message fails what it is about, or what nothing else was said of")
{
    static_cast<void>(say(R"({"type":"done","id":"1"})"));
    static_cast<void>(say(R"({"type":"done","id":"2"})"));
    SUBCASE("of no job")
    {
        static_cast<void>(say("nonsense"));
    }
    SUBCASE("of a job of somebody else")
    {
        static_cast<void>(say(R"({"type":"done","id":"9"})"));
    }
    SUBCASE("of the job")
    {
        static_cast<void>(say(R"({"type":"fail","id":"3","retry_in_ms":"soon"})"));
    }
    exit(0);

    CHECK(heard().reports.at(1).end == RunEnd::succeeded);
    CHECK(sink.reports.at(2).end == RunEnd::succeeded);
    CHECK(sink.reports.at(3).end == RunEnd::failed);
    CHECK(sink.reports.at(3).error_class == "MalformedMessage");
}

TEST_CASE("chunk gatherer: a start that ends its jobs at once, and has the next ones added, does not wait "
          "for itself")
{
    int starts = 0;
    ChunkGatherer* self = nullptr;
    ChunkGatherer gatherer([&](const std::vector<ClaimedJob>& jobs) {
        if (++starts < 5) {
            self->add(job(jobs.front().token.job + 1), {.max = 1, .wait = 1h});
        }
    });
    self = &gatherer;
    gatherer.add(job(1), {.max = 1, .wait = 1h});
    CHECK(starts == 5);
    CHECK_FALSE(gatherer.remove({1, 1, 7}));
}

TEST_CASE("chunk gatherer: enough jobs start at once, fewer when the first has waited, and one that was "
          "taken out never")
{
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::vector<JobId>> started;
    ChunkGatherer gatherer([&](const std::vector<ClaimedJob>& jobs) {
        const std::lock_guard lock(mutex);
        started.emplace_back();
        for (const auto& one : jobs) {
            started.back().push_back(one.token.job);
        }
        changed.notify_all();
    });
    const ChunkConfig slow{.max = 3, .wait = 1h};
    for (const JobId id : {1, 2, 3, 4}) {
        gatherer.add(job(id), slow);
    }
    gatherer.add(job(5, "other"), slow);
    CHECK(started == std::vector<std::vector<JobId>>{{1, 2, 3}});
    CHECK_FALSE(gatherer.remove({1, 1, 7}));
    CHECK_FALSE(gatherer.remove({4, 2, 7}));
    CHECK(gatherer.remove({4, 1, 7}));

    gatherer.add(job(6, "quick"), {.max = 3, .wait = 1ms});
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return started.size() == 2; });
    CHECK(started.back() == std::vector<JobId>{6});
    lock.unlock();

    const auto left = gatherer.clear();
    REQUIRE(left.size() == 1);
    CHECK(left.front().job == 5);
    CHECK(gatherer.clear().empty());
}
