#include "config_fixture.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::ConfigFixture;

namespace {

const std::string a_kind = "[kinds.a]\ncommand = [\"true\"]\n";

} // namespace

TEST_CASE_FIXTURE(ConfigFixture, "load: an unknown key is refused with the nearest known one")
{
    CHECK(refusal("[worker]\nslot = 3\n") ==
        "jobrunner.toml:2: worker.slot: is no known key; did you mean slots?");
    CHECK(refusal("databse = \"sqlite:x\"\n") ==
        "jobrunner.toml:1: databse: is no known key; did you mean database?");
    CHECK(refusal("[kind.a]\ncommand = [\"true\"]\n") ==
        "jobrunner.toml:1: kind: is no known key; did you mean kinds?");
    CHECK(refusal(a_kind + "retries = 3\n") == "jobrunner.toml:3: kinds.a.retries: is no known key");
    CHECK(refusal("[kinds.\"file.digest\"]\ncommand = [\"true\"]\ntimeot = \"1s\"\n") ==
        "jobrunner.toml:3: kinds.\"file.digest\".timeot: is no known key; did you mean timeout?");
    CHECK(refusal(a_kind + "resources = { memroy = \"1GB\" }\n") ==
        "jobrunner.toml:3: kinds.a.resources.memroy: is no known key; did you mean memory?");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a chunk needs a way to run that takes many jobs, and says how many")
{
    const auto config = load("[kinds.a]\nsql = \"SELECT 1\"\nchunk = { max = 7, wait = \"20ms\" }\n" +
        std::string("[kinds.b]\ncommand = [\"true\"]\n"));
    REQUIRE(find_kind(config, "a")->chunk);
    CHECK(find_kind(config, "a")->chunk->max == 7);
    CHECK(find_kind(config, "a")->chunk->wait == Milliseconds{20});
    CHECK_FALSE(find_kind(config, "b")->chunk);

    CHECK(refusal(a_kind + "chunk = { max = 0 }\n") ==
        "jobrunner.toml:3: kinds.a.chunk.max: is 0; a whole number from 1 to 1000 was expected");
    CHECK(refusal(a_kind + "chunk = { most = 9 }\n").find("kinds.a.chunk.most: is no known key") !=
        std::string::npos);
    CHECK(refusal("[kinds.a]\ncommand = [\"true\", \"{args.x}\"]\nchunk = { max = 9 }\n")
              .find("{args.x} beside chunk") != std::string::npos);
    CHECK(refusal("[kinds.a]\nhttp = { url = \"https://example.com/\" }\nchunk = { max = 9 }\n")
              .find("stands beside http") != std::string::npos);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a profile says what is started, and where profiles go")
{
    const auto config =
        load(a_kind + "profile = { command = [\"perf\", \"{file}\"], directory = \"p\", share = 0.25 }\n");
    const auto profile = std::get<CommandConfig>(find_kind(config, "a")->runs).profile;
    REQUIRE(profile);
    CHECK(profile->directory == (directory / "p").string());
    CHECK(profile->share == 0.25);

    CHECK(refusal(a_kind + "profile = { command = [\"perf\"], directory = \"p\" }\n").find("has no {file}") !=
        std::string::npos);
    CHECK(
        refusal(a_kind + "profile = { command = [\"perf\", \"{file}\"] }\n").find("directory for profiles") !=
        std::string::npos);
    CHECK(refusal(a_kind +
              "profile = { command = [\"perf\", \"{file}\"], directory = \"p\" }\nchunk = { max = 2 }\n")
              .find("profile: stands beside chunk") != std::string::npos);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a wrong type says what was found and expected")
{
    CHECK(refusal("[worker]\nslots = \"ten\"\n") ==
        "jobrunner.toml:2: worker.slots: is \"ten\"; a whole number from 1 to 10000 was expected");
    CHECK(refusal("[worker]\nlease = 30\n") ==
        "jobrunner.toml:2: worker.lease: is 30; a length of time such as \"30s\", "
        "from 1s to 1h, was expected");
    CHECK(
        refusal("pooled = \"yes\"\n") == "jobrunner.toml:1: pooled: is \"yes\"; true or false was expected");
    CHECK(refusal("database = 1\n") ==
        "jobrunner.toml:1: database: is a whole number; a database URL was expected");
    CHECK(refusal("worker = 1\n") == "jobrunner.toml:1: worker: is 1; a table was expected");
    CHECK(refusal("[queues]\nmail = 5\n") == "jobrunner.toml:2: queues.mail: is 5; a table was expected");
    CHECK(refusal("[worker]\nlabels = \"gpu\"\n") ==
        "jobrunner.toml:2: worker.labels: is \"gpu\"; an array of names was expected");
    CHECK(refusal("[kinds.a]\ncommand = [\"true\", 1]\n") ==
        "jobrunner.toml:2: kinds.a.command[1]: is a whole number; a string was expected");
    CHECK(refusal("[kinds.a]\ncommand = \"true\"\n") ==
        "jobrunner.toml:2: kinds.a.command: is \"true\"; an array of strings, first the program, then its "
        "arguments, was expected");
    CHECK(refusal(a_kind + "environment = { KEY = 12345 }\n") ==
        "jobrunner.toml:3: kinds.a.environment.KEY: is a whole number; a string was expected");
    CHECK(refusal(a_kind + "timeout = 2024-01-01\n") ==
        "jobrunner.toml:3: kinds.a.timeout: is a date or time; a length of time such as \"30s\", from 1ms to "
        "30d, "
        "or \"none\" was expected");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a value out of range says the range")
{
    CHECK(refusal("[worker]\nslots = 0\n") ==
        "jobrunner.toml:2: worker.slots: is 0; a whole number from 1 to 10000 was expected");
    CHECK(refusal("[worker]\nslots = 9223372036854775807\n") ==
        "jobrunner.toml:2: worker.slots: is 9223372036854775807; a whole number from 1 to 10000 was "
        "expected");
    CHECK(refusal("[worker]\nlease = \"500ms\"\n") ==
        "jobrunner.toml:2: worker.lease: is \"500ms\"; a length of time such as \"30s\", from 1s to 1h, was "
        "expected");
    CHECK(refusal("[worker]\nlease = \"61m\"\n").starts_with("jobrunner.toml:2: worker.lease: is \"61m\";"));
    CHECK(refusal("[defaults]\nbackoff = { factor = 0.5 }\n") ==
        "jobrunner.toml:2: defaults.backoff.factor: is 0.5; a number from 1 to 100 was expected");
    CHECK(refusal("[defaults]\nbackoff = { jitter = nan }\n") ==
        "jobrunner.toml:2: defaults.backoff.jitter: is nan; a number from 0 to 1 was expected");
    CHECK(refusal("[defaults]\nbackoff = { base = \"2h\", cap = \"1h\" }\n") ==
        "jobrunner.toml:2: defaults.backoff.base: is 2h; at most the cap of 1h was expected");
    CHECK(refusal("[queues]\nmail = { weight = 0 }\n") ==
        "jobrunner.toml:2: queues.mail.weight: is 0; a whole number from 1 to 1000 was expected");
    CHECK(refusal(a_kind + "output_max = \"1GiB\"\n") ==
        "jobrunner.toml:3: kinds.a.output_max: is \"1GiB\"; a number of bytes such as \"64KiB\", from 0B to "
        "16MiB, "
        "was expected");
    CHECK(refusal(a_kind + "resources = { cpu = \"1500ms\" }\n") ==
        "jobrunner.toml:3: kinds.a.resources.cpu: is 1s500ms; whole seconds were expected");
    CHECK(refusal(a_kind + "unique = { while = \"running\" }\n") ==
        "jobrunner.toml:3: kinds.a.unique.while: is \"running\"; \"unfinished\" or \"queued\" was expected");
    CHECK(refusal(a_kind + "unique = { for = \"1ms\" }\n")
              .starts_with("jobrunner.toml:3: kinds.a.unique.for: is"));
    CHECK(refusal(a_kind + "unique = { key = \"x\" }\n").find("unique.key") != std::string::npos);
    CHECK(refusal(a_kind + "nice = 20\n").starts_with("jobrunner.toml:3: kinds.a.nice: is 20;"));
    CHECK(refusal(a_kind + "umask = \"888\"\n")
              .starts_with("jobrunner.toml:3: kinds.a.umask: is \"888\"; a string of octal"));
    CHECK(refusal(a_kind + "umask = 27\n")
              .starts_with("jobrunner.toml:3: kinds.a.umask: is a whole number; a string of"));
    CHECK(refusal("[log]\nlevel = \"loud\"\n") ==
        "jobrunner.toml:2: log.level: is \"loud\"; one of \"trace\", \"debug\", \"info\", \"warn\", "
        "\"error\", "
        "\"off\" was expected");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: the same kind twice is refused")
{
    const auto message = refusal(a_kind + a_kind);

    CHECK(message.starts_with("jobrunner.toml:3: "));
    CHECK(message.find("kinds.a") != std::string::npos);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: what is no TOML is refused with its line")
{
    CHECK(refusal("[worker]\nslots =\n").starts_with("jobrunner.toml:2: "));
    CHECK(refusal("name = \"\xff\"\n") == "jobrunner.toml:1: Encountered invalid utf-8 sequence");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: bad names are refused")
{
    const std::string expected = "; a name of 1 to 128 printable characters was expected";
    const std::string long_name(129, 'k');

    CHECK(refusal("[kinds.\"\"]\ncommand = [\"true\"]\n") ==
        "jobrunner.toml:1: kinds.\"\": is no name of a kind" + expected);
    CHECK(refusal("[kinds." + long_name + "]\ncommand = [\"true\"]\n")
              .ends_with("is no name of a kind" + expected));
    CHECK(refusal("[kinds.\"a\\u001b[31m\"]\ncommand = [\"true\"]\n")
              .ends_with("is no name of a kind" + expected));
    CHECK(refusal("[queues]\n\"a\\tb\" = { slots = 1 }\n").ends_with("is no name of a queue" + expected));
    CHECK(refusal("[worker]\nlabels = [\"\"]\n") ==
        "jobrunner.toml:2: worker.labels[0]: is no label" + expected);
    CHECK(refusal("[worker]\nname = \"a\\u0085b\"\n") ==
        "jobrunner.toml:2: worker.name: is not printable or too long" + expected);
    CHECK(
        refusal("schema = \"pg_jobs\"\n").starts_with("jobrunner.toml:1: schema: is \"pg_jobs\"; a name of"));
    CHECK(refusal("schema = \"Jobs\"\n").starts_with("jobrunner.toml:1: schema: is \"Jobs\"; a name of"));

    CHECK(load("[kinds." + long_name.substr(1) + "]\ncommand = [\"true\"]\n").kinds.size() == 1);
    std::string umlauts;
    for (int i = 0; i < 128; ++i) {
        umlauts += "\xc3\xa4";
    }
    CHECK(load("[kinds.\"" + umlauts + "\"]\ncommand = [\"true\"]\n").kinds.size() == 1);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: no job may choose the program")
{
    CHECK(refusal("[kinds.a]\ncommand = [\"{args.program}\"]\n") ==
        "jobrunner.toml:2: kinds.a.command[0]: has a placeholder; a program that no job can choose was "
        "expected");
    CHECK(refusal("[kinds.a]\ncommand = [\"bin/{job.kind}\"]\n")
              .starts_with("jobrunner.toml:2: kinds.a.command[0]: has"));
    CHECK(refusal("[kinds.a]\ncommand = [\"\"]\n")
              .starts_with("jobrunner.toml:2: kinds.a.command[0]: names no program;"));
    CHECK(refusal("[kinds.a]\ncommand = []\n")
              .starts_with("jobrunner.toml:2: kinds.a.command: is empty; an array"));
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a wrong template names the argument")
{
    CHECK(refusal("[kinds.a]\ncommand = [\n  \"awk\",\n  \"{print}\",\n]\n") ==
        "jobrunner.toml:4: kinds.a.command[1]: \"{print}\" has at position 1 the unknown placeholder "
        "{print}; known "
        "are {args.NAME}, {job.id}, {job.kind}, {job.queue}, {job.attempt} and {secret:NAME}; write {{ "
        "for a brace");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a kind runs in one way")
{
    CHECK(refusal("[kinds.a]\ntimeout = \"1s\"\n") ==
        "jobrunner.toml:1: kinds.a: says nothing to run; command = [\"program\", \"argument\"] was expected");
    CHECK(refusal(a_kind + "sql = \"SELECT 1\"\n") ==
        "jobrunner.toml:3: kinds.a.sql: stands beside command; one way to run the kind was expected");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: variables that a kind may not set are refused")
{
    CHECK(refusal(a_kind + "environment = { JOBRUNNER_TOKEN = \"x\" }\n") ==
        "jobrunner.toml:3: kinds.a.environment.JOBRUNNER_TOKEN: is set by jobrunner itself; another name was "
        "expected");
    CHECK(refusal(a_kind + "pass_environment = [\"JOBRUNNER_DATABASE\"]\n") ==
        "jobrunner.toml:3: kinds.a.pass_environment[0]: \"JOBRUNNER_DATABASE\" is set by jobrunner itself; "
        "another "
        "name was expected");
    CHECK(refusal(a_kind + "environment = { \"A=B\" = \"x\" }\n") ==
        "jobrunner.toml:3: kinds.a.environment.\"A=B\": is no name of an environment variable; letters, "
        "digits and "
        "_ were expected");
    CHECK(refusal(a_kind + "environment = { A = \"x\\u0000y\" }\n") ==
        "jobrunner.toml:3: kinds.a.environment.A: holds a NUL character; text without one was expected");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a wrong database URL is named without its password")
{
    CHECK(refusal("database = \"mysql://root:hunter2@db/shop\"\n") ==
        "jobrunner.toml:1: database: \"mysql://\" is no kind of database that jobrunner knows; "
        "postgresql://user@host/database or sqlite:///path was expected");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: mistakes about services are named")
{
    CHECK(refusal("[kinds.a]\nservice = \"py\"\n") ==
        "jobrunner.toml:2: kinds.a.service: is \"py\"; the name of a table in [services], or an array of "
        "strings, was expected");
    CHECK(refusal("[services.py]\ninstances = 2\n") ==
        "jobrunner.toml:1: services.py: says nothing to run; command = [\"program\", \"argument\"] was "
        "expected");
    CHECK(refusal("[kinds.a]\nservice = [\"cat\", \"{args.x}\"]\n") ==
        "jobrunner.toml:2: kinds.a.service: has a placeholder; a service starts before its jobs, so plain "
        "text "
        "was expected");
    CHECK(refusal("[kinds.a]\nservice = [\"cat\"]\ninstances = { min = 3, max = 2 }\n") ==
        "jobrunner.toml:3: kinds.a.instances.min: is 3; at most max, 2, was expected");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: an SQL kind leaves the transaction to the worker")
{
    CHECK(refusal("[kinds.a]\nsql = \" begin; DELETE FROM x\"\n") ==
        "jobrunner.toml:2: kinds.a.sql: begins with BEGIN; one statement that leaves the transaction to the "
        "worker was "
        "expected");
    CHECK(refusal("[kinds.a]\nsql = \"COPY x TO STDOUT\"\n").find("begins with COPY") != std::string::npos);

    const auto config = load("[kinds.a]\nsql = \"SELECT beginning($1)\"\nsql_role = \"billing\"\n");
    const auto& sql = std::get<SqlConfig>(config.kinds.at(0).runs);
    CHECK(sql.statement == "SELECT beginning($1)");
    CHECK(sql.role == "billing");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: one file may hold every way to run a kind")
{
    const std::string digest = R"(
[defaults]
max_attempts = 25
backoff = { base = "5s", factor = 2.0, cap = "6h", jitter = 0.1 }
timeout = "5m"
keep_completed = "7d"
[kinds."file.digest"]             # a process for each job
command = ["sha256sum", "--", "{args.path}"]
timeout = "30s"
resources = { memory = "512MiB", cpu = "20s", open_files = 64 }
)";
    const std::string other_kinds = R"toml(
[kinds."mail.send"]               # a warm child that takes many jobs
service = ["ruby", "mailer.rb"]
instances = 2
[kinds."webhook.deliver"]
http = { url = "https://hooks.example.com/{args.path}", method = "POST" }
[kinds."billing.close_month"]     # runs and settles in one transaction
sql = "SELECT billing.close_month($1::jsonb)"
)toml";
    CHECK(load(digest + other_kinds).kinds.size() == 4);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: the keys of every way are checked")
{
    const auto message = refusal("[kinds.a]\nservice = []\ninstances = 0\n"
                                 "[kinds.b]\nhttp = { method = \"SHOUT\" }\n"
                                 "[kinds.c]\nsql = 1\n");

    CHECK(message.find("jobrunner.toml:2: kinds.a.service: is empty;") != std::string::npos);
    CHECK(message.find("jobrunner.toml:3: kinds.a.instances: is 0;") != std::string::npos);
    CHECK(message.find("jobrunner.toml:5: kinds.b.http.method: is \"SHOUT\";") != std::string::npos);
    CHECK(message.find("jobrunner.toml:5: kinds.b.http: has no url;") != std::string::npos);
    CHECK(message.find("jobrunner.toml:7: kinds.c.sql: is a whole number;") != std::string::npos);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: all that is wrong is said at once, in the order of the file")
{
    CHECK(refusal("[kinds.a]\ncommand = [\"true\"]\nnice = 99\n"
                  "[worker]\nslots = 0\nnmae = \"x\"\n") ==
        "jobrunner.toml:3: kinds.a.nice: is 99; a whole number from -20 to 19 was expected\n"
        "jobrunner.toml:5: worker.slots: is 0; a whole number from 1 to 10000 was expected\n"
        "jobrunner.toml:6: worker.nmae: is no known key; did you mean name?");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a file that cannot be read is refused with the reason")
{
    const auto absent = (directory / "absent.toml").string();

    CHECK_THROWS_WITH_AS(
        (void)load_config(absent), (absent + ": cannot be opened: No such file or directory").c_str(), Error);
    CHECK_THROWS_WITH_AS((void)load_config(directory),
        (directory.string() + ": cannot be read: Is a directory").c_str(), Error);
}
