// Measures one worker with an in-process handler that does nothing.
//
//   worker_bench URL drain JOBS             adds JOBS jobs, then times how long a worker takes to complete them
//   worker_bench URL churn SECONDS [hold]   keeps some thousand jobs waiting for SECONDS, one line of jobs/s per five
//                                           seconds; with `hold` another session holds a snapshot (and a transaction
//                                           id) open from the fifth second on
//   worker_bench URL latency RATE JOBS      inserts RATE jobs a second; insert sent → handler started
//
// The database must be migrated and its queue empty. PostgreSQL for churn; drain and latency on SQLite too.

#include "storage/open_storage.hpp"
#include "worker/handler_runner.hpp"
#include "worker/worker.hpp"
#include "worker/worker_log.hpp"

#include <pqxx/pqxx>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

using namespace jobrunner;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point begin)
{
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Bench {
    DatabaseOptions database;
    HandlerKind handler;
    std::atomic<long> done{0};
    std::unique_ptr<Worker> worker;

    explicit Bench(std::string url)
    {
        database.url = std::move(url);
        handler.run = [this](const HandlerCall&) {
            done.fetch_add(1, std::memory_order_relaxed);
            return RunReport{};
        };
    }

    void start()
    {
        WorkerOptions options;
        options.database = database;
        options.worker.slots = 20;
        KindPolicy noop;
        noop.kind = "bench.noop";
        options.kinds.push_back(noop);
        worker = std::make_unique<Worker>(options, [this](RunSink& sink) {
            return std::make_unique<HandlerRunner>(
                std::map<std::string, HandlerKind>{{"bench.noop", handler}}, 2, sink);
        });
    }

    [[nodiscard]] long completed() const { return worker ? worker->counts().completed.load() : 0; }

    void wait_for(long jobs) const
    {
        while (completed() < jobs) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
};

std::vector<NewJob> some_jobs(int count, long first)
{
    std::vector<NewJob> jobs(static_cast<std::size_t>(count));
    for (auto& job : jobs) {
        job.kind = "bench.noop";
        job.args = R"({"user_id": )" + std::to_string(first++) +
            R"(, "template": "welcome", "locale": "en", "trace": "b7f3c2d1e0"})";
    }
    return jobs;
}

void preload(const Bench& bench, long jobs)
{
    if (bench.database.url.starts_with("postgres")) {
        pqxx::connection session(bench.database.url);
        pqxx::nontransaction tx(session);
        tx.exec("INSERT INTO jobrunner.jobs (kind, args) SELECT 'bench.noop', jsonb_build_object('user_id', "
                "i, 'template', "
                "'welcome', 'locale', 'en', 'trace', 'b7f3c2d1e0') FROM generate_series(1, " +
            std::to_string(jobs) + ") i");
        tx.exec("VACUUM ANALYZE");
        tx.exec("CHECKPOINT");
        return;
    }
    const auto storage = open_storage(bench.database);
    for (long added = 0; added < jobs; added += 1000) {
        static_cast<void>(storage->enqueue(some_jobs(1000, added), OnConflict::refuse));
    }
}

void drain(Bench& bench, long jobs)
{
    preload(bench, jobs);
    const auto begin = Clock::now();
    bench.start();
    bench.wait_for(jobs);
    const double length = seconds_since(begin);
    std::printf("drain jobs=%ld secs=%.3f jobs/s=%.0f\n", jobs, length, static_cast<double>(jobs) / length);
}

void churn(Bench& bench, int seconds, bool hold)
{
    std::atomic<long> added{0};
    bench.start();
    std::jthread producer([&](const std::stop_token& stop) {
        pqxx::connection session(bench.database.url);
        pqxx::nontransaction tx(session);
        while (!stop.stop_requested()) {
            if (added - bench.completed() > 20'000) {
                std::this_thread::sleep_for(std::chrono::microseconds(500));
                continue;
            }
            tx.exec("INSERT INTO jobrunner.jobs (kind, args) SELECT 'bench.noop', "
                    "jsonb_build_object('user_id', i, "
                    "'template', 'welcome', 'locale', 'en', 'trace', 'b7f3c2d1e0') FROM generate_series(1, "
                    "500) i");
            added += 500;
        }
    });
    std::unique_ptr<pqxx::connection> holder;
    std::unique_ptr<pqxx::transaction<pqxx::isolation_level::repeatable_read>> snapshot;
    long before = 0;
    std::printf("churn seconds=%d hold=%d:", seconds, hold ? 1 : 0);
    for (int at = 5; at <= seconds; at += 5) {
        std::this_thread::sleep_for(std::chrono::seconds(5));
        const long now = bench.completed();
        std::printf(" %ld", (now - before) / 5);
        std::fflush(stdout);
        before = now;
        if (hold && !holder) {
            holder = std::make_unique<pqxx::connection>(bench.database.url);
            snapshot = std::make_unique<pqxx::transaction<pqxx::isolation_level::repeatable_read>>(*holder);
            snapshot->exec("SELECT txid_current(), count(*) FROM pg_class");
        }
    }
    std::printf("\n");
}

double now_seconds()
{
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

void latency(Bench& bench, int rate, int jobs)
{
    std::mutex mutex;
    std::vector<double> waits;
    bench.handler.run = [&](const HandlerCall& call) {
        const double sent = std::strtod(call.job.args.c_str() + call.job.args.find(':') + 1, nullptr);
        const double wait = now_seconds() - sent;
        const std::lock_guard lock(mutex);
        waits.push_back(wait);
        return RunReport{};
    };
    bench.start();
    std::this_thread::sleep_for(std::chrono::seconds(2));
    auto insert = [&, session = std::shared_ptr<pqxx::connection>(), storage = std::shared_ptr<Storage>()](
                      const std::string& args) mutable {
        if (bench.database.url.starts_with("postgres")) {
            if (!session) {
                session = std::make_shared<pqxx::connection>(bench.database.url);
                session->prepare(
                    "one", "INSERT INTO jobrunner.jobs (kind, args) VALUES ('bench.noop', $1::jsonb)");
            }
            pqxx::nontransaction tx(*session);
            tx.exec_prepared("one", args);
            return;
        }
        if (!storage) {
            storage = open_storage(bench.database);
        }
        NewJob job;
        job.kind = "bench.noop";
        job.args = args;
        static_cast<void>(storage->enqueue({&job, 1}, OnConflict::refuse));
    };
    const auto begin = Clock::now();
    for (int i = 0; i < jobs; ++i) {
        std::this_thread::sleep_until(begin +
            std::chrono::duration_cast<Clock::duration>(
                std::chrono::duration<double>(static_cast<double>(i) / rate)));
        char args[64];
        std::snprintf(args, sizeof args, "{\"t\": %.7f}", now_seconds());
        insert(args);
    }
    bench.wait_for(jobs);
    const std::lock_guard lock(mutex);
    std::sort(waits.begin(), waits.end());
    const auto at = [&](std::size_t percent) { return waits[(waits.size() - 1) * percent / 100] * 1e3; };
    std::printf("latency rate=%d n=%zu p50=%.2fms p95=%.2fms p99=%.2fms max=%.2fms\n", rate, waits.size(),
        at(50), at(95), at(99), at(100));
}

} // namespace

int main(int argc, char** argv)
{
    try {
        if (argc < 4) {
            std::cerr << "usage: worker_bench URL drain JOBS | churn SECONDS [hold] | latency RATE JOBS\n";
            return 2;
        }
        set_up_log("warn", "text");
        Bench bench(argv[1]);
        const std::string mode = argv[2];
        if (mode == "drain") {
            drain(bench, std::atol(argv[3]));
        } else if (mode == "churn") {
            churn(bench, std::atoi(argv[3]), argc > 4 && std::strcmp(argv[4], "hold") == 0);
        } else if (mode == "latency" && argc > 4) {
            latency(bench, std::atoi(argv[3]), std::atoi(argv[4]));
        } else {
            std::cerr << "worker_bench: unknown mode or missing argument\n";
            return 2;
        }
        bench.worker->stop(std::chrono::seconds(5), [] { return false; });
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "worker_bench: " << error.what() << '\n';
        return 1;
    }
}
