#include "cli_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::CliFixture;

TEST_CASE_FIXTURE(CliFixture, "program: alone it prints help")
{
    CHECK(run({}) == 0);
    CHECK(out.find("Usage: jobrunner") != std::string::npos);
    CHECK(out.find("enqueue") != std::string::npos);
    CHECK(err.empty());
}

TEST_CASE_FIXTURE(CliFixture, "program: the version is one line")
{
    CHECK(run({"--version"}) == 0);
    CHECK(out.starts_with("jobrunner "));
    CHECK(out.ends_with("\n"));
}

TEST_CASE_FIXTURE(CliFixture, "program: every command's help has a sentence, usage and examples")
{
    CommandTree tree;
    add_all_commands(tree);
    for (const auto* command : tree.root().get_subcommands([](const CLI::App*) { return true; })) {
        CAPTURE(command->get_name());
        CHECK(run({command->get_name(), "--help"}) == 0);
        CHECK(out.find("Usage: jobrunner " + command->get_name()) != std::string::npos);
        CHECK(out.find("Examples:\n  ") != std::string::npos);
        CHECK(out.find(".\n") != std::string::npos);
        CHECK_FALSE(command->get_group().empty());
    }
    CHECK(run({"queues", "pause", "--help"}) == 0);
    CHECK(out.find("Usage: jobrunner queues pause") != std::string::npos);
}

TEST_CASE_FIXTURE(CliFixture, "program: wrong usage is one line on standard error and exit 2")
{
    CHECK(run({"lst"}) == 2);
    CHECK(err == "jobrunner: \"lst\" is no command; was \"list\" meant? (see jobrunner --help)\n");
    CHECK(run({"list", "--colour"}) == 2);
    CHECK(err == "jobrunner: \"--colour\" was not expected (see jobrunner list --help)\n");
    CHECK(run({"show"}) == 2);
    CHECK(err == "jobrunner: ID is required (see jobrunner show --help)\n");
    CHECK(run({"show", "abc"}) == 2);
    CHECK(err == "jobrunner: ID: is \"abc\"; the number of a job was expected\n");
    CHECK(run({"show", "9223372036854775808"}) == 2);
    CHECK(run({"list", "--limit"}) == 2);
    CHECK(err == "jobrunner: --limit: a value was expected after it (see jobrunner list --help)\n");
    CHECK(run({"list", "--log-level", "loud"}) == 2);
    CHECK(run({"list", "--state", "sleeping"}) == 2);
    CHECK(err.find("available, scheduled, blocked") != std::string::npos);
    CHECK(out.empty());
}

TEST_CASE_FIXTURE(CliFixture, "program: a wrong argument cannot write to the terminal")
{
    CHECK(run({"\x1b[2J"}) == 2);
    CHECK(err.find('\x1b') == std::string::npos);
}

TEST_CASE_FIXTURE(CliFixture, "program: global flags stand before or after the command")
{
    CHECK(run({"--database", "postgresql:///a", "--schema", "s1", "--json", "list"}) == 0);
    CHECK(opened->url == "postgresql:///a");
    CHECK(opened->schema == "s1");
    CHECK(run({"list", "--database", "postgresql:///b", "--schema=s2", "--log-level", "debug"}) == 0);
    CHECK(opened->url == "postgresql:///b");
    CHECK(opened->schema == "s2");
    CHECK(log_level == "debug");
}

TEST_CASE_FIXTURE(CliFixture, "program: flag wins over variable, and that over the file")
{
    const auto file =
        write("a.toml", "database = \"postgresql:///file\"\nschema = \"in_file\"\npooled = true\n");

    CHECK(run({"list", "--config", file}) == 0);
    CHECK(opened->url == "postgresql:///test");
    CHECK(opened->schema == "in_file");
    CHECK(opened->pooled);
    variables.clear();
    CHECK(run({"list", "--config", file}) == 0);
    CHECK(opened->url == "postgresql:///file");
    CHECK(run({"list", "--config", file, "--schema", "Bad"}) == 2);
    CHECK(err.starts_with("jobrunner: --schema: is \"Bad\"; "));
}

TEST_CASE_FIXTURE(CliFixture, "program: every line of a configuration's problems is named, and exit is 2")
{
    const auto file = write("a.toml", "databas = 1\n[worker]\nslots = 0\n");

    CHECK(run({"config", "check", "--config", file}) == 2);
    CHECK(err.find("jobrunner: " + file + ":1: ") != std::string::npos);
    CHECK(err.find("jobrunner: " + file + ":3: ") != std::string::npos);
    CHECK(out.empty());
}

TEST_CASE_FIXTURE(CliFixture, "program: no message holds a password")
{
    CHECK(run({"list", "--database", "mysql://ada:hunter2@host/x"}) == 2);
    CHECK(err.find("hunter2") == std::string::npos);
}

TEST_CASE("program: exit statuses follow from the kind of error")
{
    CHECK(exit_status(ErrorKind::usage) == 2);
    CHECK(exit_status(ErrorKind::refused) == 2);
    CHECK(exit_status(ErrorKind::outdated) == 2);
    CHECK(exit_status(ErrorKind::not_found) == 3);
    CHECK(exit_status(ErrorKind::not_possible) == 4);
    CHECK(exit_status(ErrorKind::unreachable) == 5);
    CHECK(exit_status(ErrorKind::in_doubt) == 5);
    CHECK(exit_status(ErrorKind::internal) == 1);
}

TEST_CASE_FIXTURE(CliFixture, "program: an unreachable database is one line and exit 5")
{
    host.open_storage = [](const DatabaseOptions&) -> std::shared_ptr<Storage> {
        throw Error(ErrorKind::unreachable, "the database is not reachable");
    };

    CHECK(run({"list"}) == 5);
    CHECK(err == "jobrunner: the database is not reachable\n");
}

TEST_CASE_FIXTURE(CliFixture, "init: writes a file that is in order, once")
{
    const auto file = (directory / "jobrunner.toml").string();
    variables.clear();

    CHECK(run({"init", "--config", file}) == 0);
    CHECK(out.find("Next:\n") != std::string::npos);
    CHECK(run({"config", "check", "--config", file}) == 0);
    CHECK(out.find("hello") != std::string::npos);
    CHECK(run({"init", "--config", file, "--json"}) == 0);
    CHECK(out == R"({"file":")" + file + R"(","made":false})" + "\n");
}

TEST_CASE_FIXTURE(CliFixture, "init: a password is not written down")
{
    const auto file = (directory / "jobrunner.toml").string();

    CHECK(run({"init", "--config", file, "--database", "postgresql://ada:hunter2@db/shop"}) == 0);
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(text.find("postgresql://ada@db/shop") != std::string::npos);
}

TEST_CASE_FIXTURE(CliFixture, "migrate: applies, tells what is pending, prints SQL")
{
    CHECK(run({"migrate"}) == 0);
    CHECK(out == "applied 2 workers\n");
    CHECK(run({"migrate", "--status"}) == 0);
    CHECK(out.find("pending") != std::string::npos);
    CHECK(run({"migrate", "--print-sql"}) == 0);
    CHECK(out == "CREATE TABLE jobs ();\n");
    CHECK(run({"migrate", "--status", "--to", "1"}) == 2);
    CHECK(run({"migrate", "--to", "x"}) == 2);
}

TEST_CASE_FIXTURE(CliFixture, "roles: prints grants for the names, which follow from the schema")
{
    CHECK(run({"roles"}) == 0);
    CHECK(out == "GRANT TO jobrunner_worker;\n");
    CHECK(run({"roles", "--worker", "shop", "--apply", "--json"}) == 0);
    CHECK(out ==
        R"({"enqueuer":"jobrunner_enqueuer","worker":"shop","operator":"jobrunner_operator","reader":"jobrunner_reader"})"
        "\n");
}

TEST_CASE_FIXTURE(CliFixture, "work: hands its options on")
{
    CHECK(run({"work", "--queues", "mail,default", "--slots", "7", "--until-idle"}) == 0);
    REQUIRE(worked);
    CHECK(worked->queues == std::vector<std::string>{"mail", "default"});
    CHECK(worked->slots == 7);
    CHECK(worked->until_idle);
    CHECK(worked->database.url == "postgresql:///test");
    CHECK(worked->log_level == "info");
    CHECK(run({"work", "--slots", "0"}) == 2);
}

TEST_CASE_FIXTURE(CliFixture, "completion: a script for each shell knows the commands")
{
    for (const char* shell : {"bash", "zsh", "fish"}) {
        CHECK(run({"completion", shell}) == 0);
        CHECK(out.find("reschedule") != std::string::npos);
        CHECK(out.find("max-attempts") != std::string::npos);
    }
    CHECK(run({"completion", "powershell"}) == 2);
}
