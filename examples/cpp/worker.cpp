// A worker in C++: bills orders, each exactly once, in the transaction that completes the job.
//
//   worker_example URL       works until SIGTERM or SIGINT
//
// The table: CREATE TABLE bills (job_id bigint, amount text)

#include <jobrunner/jobrunner.hpp>

#include <pqxx/pqxx>
#include <sqlite3.h>

#include <csignal>
#include <iostream>
#include <memory>
#include <string>

namespace {

void bill_in_postgres(const std::string& url, jobrunner::JobContext& job)
{
    thread_local pqxx::connection connection(url);
    pqxx::work transaction(connection);
    transaction.exec_params("INSERT INTO bills VALUES ($1, $2::jsonb ->> 'amount')", job.id(), job.args());
    job.complete_in(transaction, R"({"billed": true})");
    transaction.commit();
}

void run(sqlite3* database, const std::string& sql)
{
    char* error = nullptr;
    if (::sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error) != SQLITE_OK) {
        const std::string message = error;
        ::sqlite3_free(error);
        throw std::runtime_error(message);
    }
}

void bill_in_sqlite(const std::string& path, jobrunner::JobContext& job)
{
    sqlite3* opened = nullptr;
    ::sqlite3_open(path.c_str(), &opened);
    const std::unique_ptr<sqlite3, decltype(&::sqlite3_close)> database(opened, &::sqlite3_close);
    ::sqlite3_busy_timeout(opened, 30'000);
    run(opened, "PRAGMA synchronous = FULL");
    run(opened, "BEGIN IMMEDIATE");
    run(opened,
        "INSERT INTO bills SELECT id, args ->> 'amount' FROM jobs WHERE id = " + std::to_string(job.id()));
    job.complete_in(opened, R"({"billed": true})");
    run(opened, "COMMIT");
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::cerr << "usage: worker_example URL\n";
        return 2;
    }
    // Before any thread begins, so that all of them leave these to sigwait().
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    try {
        const std::string url = argv[1];
        const std::string sqlite = "sqlite://";
        jobrunner::WorkerSettings settings;
        settings.url = url;
        settings.slots = 4;
        settings.lease = std::chrono::seconds{2};
        jobrunner::EmbeddedWorker worker(settings);
        worker.on("order.bill", [&](jobrunner::JobContext& job) {
            if (url.starts_with(sqlite)) {
                bill_in_sqlite(url.substr(sqlite.size()), job);
            } else {
                bill_in_postgres(url, job);
            }
        });
        worker.start();
        int number = 0;
        ::sigwait(&signals, &number);
        worker.stop();
        return 0;
    } catch (const jobrunner::ClientError& error) {
        std::cerr << "worker_example: " << error.what() << '\n';
        return 1;
    }
}
