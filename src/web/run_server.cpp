#include "web/run_server.hpp"

#include "core/error.hpp"
#include "web/web_app.hpp"
#include "web/web_server.hpp"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <signal.h>

#include <thread>

namespace jobrunner {
namespace {

constexpr std::size_t connections = 4;

TimePoint host_now()
{
    return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
}

StoragePool::Open opener(const DatabaseOptions& options)
{
    return [options] { return std::shared_ptr<Storage>(open_storage(options)); };
}

DatabaseOptions replica_of(const ServeOptions& options)
{
    DatabaseOptions replica = options.database;
    if (!options.web.read_database.empty()) {
        replica.url = options.web.read_database;
    }
    return replica;
}

sigset_t block_signals()
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return set;
}

std::string url_of(const ListenAddress& address, int port)
{
    const bool v6 = address.host.find(':') != std::string::npos;
    return "http://" + (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(port) + "/";
}

} // namespace

int run_server(const ServeOptions& options)
{
    const auto signals = block_signals();
    const auto address = parse_listen_address(options.web.listen);
    StoragePool writes(opener(options.database), connections);
    StoragePool reads(opener(replica_of(options)), connections);
    static_cast<void>(reads.take()); // What is wrong with the database is better said now.

    StatsCounters counters;
    FindingsWatch watch;
    SnapshotKeeper snapshots([&] { return read_snapshot(*reads.take(), counters, watch); }, host_now);
    const WebApp app(options.web, {reads, writes, snapshots, host_now});
    WebServer server({.early_answer = [&](const WebRequest& request) { return app.early_answer(request); },
        .answer = [&](const WebRequest& request) { return app.answer(request); },
        .snapshots = &snapshots});
    const int port = server.bind(address);
    std::jthread serving([&] { server.run(); });
    spdlog::info("server_started address={} port={}", address.host, port);
    if (options.listening) {
        options.listening(url_of(address, port));
    }
    sd_notify(0, "READY=1\nSTATUS=serving");

    int number = 0;
    ::sigwait(&signals, &number);
    sd_notify(0, "STOPPING=1");
    server.stop();
    serving.join();
    spdlog::info("server_stopped");
    return 0;
}

} // namespace jobrunner
