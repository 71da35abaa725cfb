#include "worker/check_user.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

namespace {

constexpr uid_t root = 0;
constexpr uid_t someone = 1000;

template <typename Runs>
Config with(Runs runs)
{
    Config config;
    KindConfig kind;
    kind.policy.kind = "mail.send";
    kind.runs = std::move(runs);
    config.kinds.push_back(std::move(kind));
    return config;
}

CommandConfig command(std::optional<std::string> user = {})
{
    CommandConfig made;
    made.argv = {ArgsTemplate::literal("true")};
    made.user = std::move(user);
    return made;
}

} // namespace

TEST_CASE("check user: a kind's processes are root's only if somebody says so")
{
    const Config config = with(command());

    CHECK_THROWS_WITH_AS(check_user(config, root, false), doctest::Contains("mail.send"), Error);
    CHECK_NOTHROW(check_user(config, someone, false));
    CHECK_NOTHROW(check_user(config, root, true));

    Config told = config;
    told.worker.allow_root = true;
    CHECK_NOTHROW(check_user(told, root, false));
}

TEST_CASE("check user: a kind with a user of its own may run under a root worker, unless that is root")
{
    CHECK_NOTHROW(check_user(with(command("nobody")), root, false));
    CHECK_THROWS_AS(check_user(with(command("root")), root, false), Error);
}

TEST_CASE("check user: a service's child counts like a command; an HTTP kind starts no process")
{
    ServiceConfig service;
    service.process = command();

    CHECK_THROWS_AS(check_user(with(service), root, false), Error);
    CHECK_NOTHROW(check_user(with(HttpConfig{}), root, false));
}
