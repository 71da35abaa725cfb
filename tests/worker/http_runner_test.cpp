#include "worker/http_runner.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <set>
#include <stdexcept>
#include <thread>

using namespace jobrunner;

namespace {

// Far longer than anything here takes, so that a test fails only when something does not happen.
constexpr std::chrono::seconds patience{30};

// Answers requests on a port of the loopback when it is let to.
class HoldingServer {
public:
    HoldingServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, plain, size) != 0 || ::listen(listener_, 100) != 0 ||
            ::getsockname(listener_, plain, &size) != 0) {
            throw std::runtime_error("no port to listen at");
        }
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~HoldingServer()
    {
        let_go();
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        {
            const std::lock_guard lock(mutex_);
            for (const int connection : open_) {
                ::shutdown(connection, SHUT_RDWR);
            }
        }
        for (auto& thread : threads_) {
            thread.join();
        }
        ::close(listener_);
    }
    HoldingServer(const HoldingServer&) = delete;
    HoldingServer& operator=(const HoldingServer&) = delete;

    [[nodiscard]] std::string at(const std::string& path) const
    {
        return "http://localhost:" + std::to_string(port_) + path;
    }
    void let_go()
    {
        const std::lock_guard lock(mutex_);
        holds_ = false;
        changed_.notify_all();
    }
    // Whether so many requests have come in all.
    [[nodiscard]] bool wait_for_requests(int count)
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return requests_ >= count; });
    }
    // Whether every client has hung up.
    [[nodiscard]] bool wait_for_hang_up()
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return open_.empty(); });
    }
    [[nodiscard]] int requests()
    {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    [[nodiscard]] int connections()
    {
        const std::lock_guard lock(mutex_);
        return connections_;
    }

private:
    void accept_all()
    {
        for (int connection = 0; (connection = ::accept(listener_, nullptr, nullptr)) >= 0;) {
            const std::lock_guard lock(mutex_);
            ++connections_;
            open_.insert(connection);
            threads_.emplace_back([this, connection] { serve(connection); });
        }
    }

    // Requests here have no body but "{}", so whatever comes in one piece is one request.
    void serve(int connection)
    {
        char bytes[8192];
        while (::recv(connection, bytes, sizeof bytes, 0) > 0) {
            {
                std::unique_lock lock(mutex_);
                ++requests_;
                changed_.notify_all();
            }
            if (!wait_to_answer(connection)) {
                break;
            }
            const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            if (::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) {
                break;
            }
        }
        const std::lock_guard lock(mutex_);
        open_.erase(connection);
        ::close(connection);
        changed_.notify_all();
    }

    // False when the client hangs up first.
    bool wait_to_answer(int connection)
    {
        std::unique_lock lock(mutex_);
        while (holds_) {
            changed_.wait_for(lock, std::chrono::milliseconds(5));
            char byte = 0;
            if (::recv(connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
                return false;
            }
        }
        return true;
    }

    int listener_;
    int port_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool holds_ = true;
    int requests_ = 0;
    int connections_ = 0;
    std::set<int> open_;
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

class Reports final : public RunSink {
public:
    void done(const ClaimToken& token, RunReport report) override
    {
        const std::lock_guard lock(mutex_);
        reports_.emplace(token.job, std::move(report));
        changed_.notify_all();
    }
    void wrote(const ClaimToken&, const std::string&, std::string) override {}
    void progressed(const ClaimToken&, std::optional<double>, std::optional<std::string>,
        std::optional<std::string>) override
    {
    }

    RunReport wait_for(JobId job)
    {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, patience, [&] { return reports_.contains(job); }));
        CHECK(reports_.count(job) == 1);
        return reports_.find(job)->second;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<JobId, RunReport> reports_;
};

KindConfig kind(const std::string& name, const std::string& url)
{
    KindConfig kind;
    kind.policy.kind = name;
    HttpConfig http;
    http.url = UrlTemplate::parse(url);
    http.addresses.allow_private = true;
    kind.runs = std::move(http);
    return kind;
}

std::shared_ptr<const Config> config_of(std::vector<KindConfig> kinds)
{
    auto config = std::make_shared<Config>();
    config->kinds = std::move(kinds);
    return config;
}

ClaimedJob job(JobId id, const std::string& kind = "hook")
{
    ClaimedJob job;
    job.token = {id, 1, 99};
    job.kind = kind;
    job.queue = "default";
    job.args = "{}";
    job.attempt = 1;
    job.attempt_limit = 5;
    return job;
}

} // namespace

TEST_CASE("http runner: a request that is cancelled is hung up on at once, and says so")
{
    HoldingServer server;
    Reports reports;
    HttpRunner runner(config_of({kind("hook", server.at("/"))}), reports);
    runner.start(job(1));
    REQUIRE(server.wait_for_requests(1));

    runner.stop({1, 7, 99}, StopCause::cancelled); // another claim: nothing happens
    runner.stop({1, 1, 99}, StopCause::cancelled);

    CHECK(reports.wait_for(1).end == RunEnd::cancelled);
    CHECK(server.wait_for_hang_up());
}

TEST_CASE("http runner: all requests are given back when the worker goes")
{
    HoldingServer server;
    Reports reports;
    HttpRunner runner(config_of({kind("hook", server.at("/"))}), reports);
    runner.start(job(1));
    runner.start(job(2));
    REQUIRE(server.wait_for_requests(2));

    runner.kill_all(StopCause::released);

    CHECK(reports.wait_for(1).end == RunEnd::released);
    CHECK(reports.wait_for(2).end == RunEnd::released);
    CHECK(server.wait_for_hang_up());
}

TEST_CASE("http runner: no request outlives the lease, and none begins after it")
{
    HoldingServer server;
    Reports reports;
    HttpRunner runner(config_of({kind("hook", server.at("/"))}), reports);
    runner.lease_until((BootClock::now() + std::chrono::hours(1)).time_since_epoch());
    runner.start(job(1));
    REQUIRE(server.wait_for_requests(1));

    runner.lease_until(BootClock::now().time_since_epoch() + std::chrono::milliseconds(100));

    CHECK(reports.wait_for(1).end == RunEnd::crashed);
    CHECK(server.wait_for_hang_up());
    runner.start(job(2));
    CHECK(reports.wait_for(2).error_class == "LeaseLost");
    CHECK(server.requests() == 1);
}

TEST_CASE("http runner: a timeout counts from the start of the request")
{
    HoldingServer server;
    Reports reports;
    HttpRunner runner(config_of({kind("hook", server.at("/"))}), reports);
    ClaimedJob short_job = job(1);
    short_job.timeout = Milliseconds{200};

    runner.start(short_job);

    CHECK(reports.wait_for(1).end == RunEnd::timed_out);
    CHECK(reports.wait_for(1).error == "timed out after 200ms");
}

TEST_CASE("http runner: connections_max holds requests back, and all of them come to pass")
{
    HoldingServer server;
    Reports reports;
    KindConfig slow = kind("hook", server.at("/"));
    std::get<HttpConfig>(slow.runs).connections_max = 2;
    HttpRunner runner(config_of({slow}), reports);
    for (JobId id = 1; id <= 20; ++id) {
        runner.start(job(id));
    }
    REQUIRE(server.wait_for_requests(2));
    runner.stop({20, 1, 99}, StopCause::cancelled);
    CHECK(reports.wait_for(20).end == RunEnd::cancelled); // it waited
    CHECK(server.requests() == 2);

    server.let_go();

    for (JobId id = 1; id <= 19; ++id) {
        CHECK(reports.wait_for(id).end == RunEnd::succeeded);
    }
    CHECK(server.requests() == 19);
    CHECK(server.connections() == 2); // kept and used again
}

TEST_CASE("http runner: a kept connection is not used by a kind that may not ask its address")
{
    HoldingServer server;
    server.let_go();
    Reports reports;
    KindConfig strict = kind("strict", server.at("/"));
    std::get<HttpConfig>(strict.runs).addresses.allow_private = false;
    HttpRunner runner(config_of({kind("hook", server.at("/")), strict}), reports);
    runner.start(job(1));
    REQUIRE(reports.wait_for(1).end == RunEnd::succeeded);

    runner.start(job(2, "strict"));

    const RunReport refused = reports.wait_for(2);
    CHECK(refused.end == RunEnd::failed_for_good);
    CHECK(refused.error_class == "AddressRefused");
    CHECK(refused.error == "localhost is at 127.0.0.1, a loopback address; a public address was expected");
    CHECK(server.requests() == 1);
}

TEST_CASE("http runner: more names than are looked up at once are all looked up")
{
    HoldingServer server;
    server.let_go();
    Reports reports;
    const std::string port = server.at("").substr(server.at("").rfind(':'));
    KindConfig many = kind("hook", "http://127.0.0.{job.id}" + port + "/");
    std::get<HttpConfig>(many.runs).allow_hosts = {"*"};
    HttpRunner runner(config_of({many}), reports);

    for (JobId id = 1; id <= 100; ++id) {
        runner.start(job(id));
    }

    CHECK(reports.wait_for(1).end == RunEnd::succeeded);
    for (JobId id = 2; id <= 100; ++id) {
        CHECK(reports.wait_for(id).error_class == "ConnectFailed"); // nobody listens there
    }
}

TEST_CASE("http runner: a kind that is no longer one of HTTP is given back")
{
    Reports reports;
    HttpRunner runner(config_of({}), reports);

    runner.start(job(1));

    CHECK(reports.wait_for(1).end == RunEnd::released);
}

TEST_CASE("http runner: a secret that is missing fails the attempt, not the job")
{
    Reports reports;
    auto config = std::make_shared<Config>();
    config->secrets["signing"].environment = "JR_TEST_NO_SUCH_SECRET";
    config->kinds = {kind("hook", "http://localhost:1/")};
    std::get<HttpConfig>(config->kinds[0].runs).secret = "signing";
    HttpRunner runner(config, reports);

    runner.start(job(1));

    CHECK(reports.wait_for(1).end == RunEnd::failed);
    CHECK(reports.wait_for(1).error_class == "SecretMissing");
}
