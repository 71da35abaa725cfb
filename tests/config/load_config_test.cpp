#include "config_fixture.hpp"

#include <doctest/doctest.h>
#include <sstream>

using namespace jobrunner;
using jobrunner::tests::ConfigFixture;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> texts(const std::vector<ArgsTemplate>& argv)
{
    std::vector<std::string> found;
    for (const auto& argument : argv) {
        found.push_back(argument.text());
    }
    return found;
}

const CommandConfig& command_of(const Config& config, std::string_view kind)
{
    const auto* found = find_kind(config, kind);
    REQUIRE(found != nullptr);
    return std::get<CommandConfig>(found->runs);
}

} // namespace

TEST_CASE_FIXTURE(ConfigFixture, "load: an empty file gives the defaults")
{
    const auto config = load("");

    CHECK(config.path == (directory / "jobrunner.toml").string());
    CHECK(config.database.empty());
    CHECK(config.schema == "jobrunner");
    CHECK_FALSE(config.pooled);
    CHECK(config.worker.slots == 10);
    CHECK(config.worker.lease == 30s);
    CHECK(config.worker.shutdown_timeout == 30s);
    CHECK(config.worker.labels.empty());
    CHECK(config.worker.name == std::nullopt);
    CHECK_FALSE(config.worker.allow_root);
    CHECK(config.log.level == "info");
    CHECK(config.log.format == "text");
    CHECK(config.queues.empty());
    CHECK(config.kinds.empty());
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a kind that says nothing but its command has the defaults")
{
    const auto config = load("[kinds.a]\ncommand = [\"true\"]\n");
    const auto& policy = config.kinds.at(0).policy;
    const auto& command = command_of(config, "a");

    CHECK(policy.kind == "a");
    CHECK(policy.max_attempts == 25);
    CHECK(policy.retry.base == 5s);
    CHECK(policy.retry.factor == 2.0);
    CHECK(policy.retry.cap == 6h);
    CHECK(policy.retry.jitter == 0.1);
    CHECK(policy.timeout == 5min);
    CHECK(policy.keep == 7 * 24h);
    CHECK(policy.snooze == 1min);
    CHECK(policy.max_give_backs == 100);
    CHECK_FALSE(policy.record_every_attempt);
    CHECK_FALSE(policy.notify);
    CHECK(command.grace == 10s);
    CHECK(command.output_max == 64 * 1024);
    CHECK(command.no_new_privileges);
    CHECK_FALSE(command.allow_leading_dash);
    CHECK_FALSE(command.pass_database);
    CHECK(command.directory.empty());
    CHECK(command.resources.memory_bytes == std::nullopt);
    CHECK(command.umask == std::nullopt);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: every key is read")
{
    const auto config = load(R"(
database = "postgresql:///shop"
schema = "shop_jobs"
pooled = true
[worker]
slots = 20
shutdown_timeout = "1m"
lease = "15s"
labels = ["gpu", "paris"]
name = "w1"
allow_root = true
[log]
level = "debug"
format = "json"
[queues]
default = { slots = 10 }
mail    = { slots = 5, weight = 2 }
[kinds.a]
command = ["tool", "{args.x}"]
environment = { LANG = "C.UTF-8", EMPTY = "" }
pass_environment = ["PATH"]
pass_database = true
directory = "/srv"
resources = { memory = "512MiB", cpu = "20s", open_files = 64, processes = 8, file_size = "1GB" }
grace = "3s"
output_max = "1KiB"
user = "nobody"
umask = "027"
nice = 5
no_new_privileges = false
allow_leading_dash = true
max_attempts = 3
backoff = { base = "1s", factor = 1.5, cap = "1m", jitter = 0 }
timeout = "none"
keep_completed = "forever"
snooze = "10s"
max_give_backs = 7
record_every_attempt = true
notify = true
unique = { args = ["user_id"], while = "queued", for = "10m" }
)");
    const auto& policy = config.kinds.at(0).policy;
    const auto& command = command_of(config, "a");

    CHECK(config.database == "postgresql:///shop");
    CHECK(config.schema == "shop_jobs");
    CHECK(config.pooled);
    CHECK(config.worker.slots == 20);
    CHECK(config.worker.shutdown_timeout == 1min);
    CHECK(config.worker.lease == 15s);
    CHECK(config.worker.labels == std::vector<std::string>{"gpu", "paris"});
    CHECK(config.worker.name == "w1");
    CHECK(config.worker.allow_root);
    CHECK(config.log.level == "debug");
    CHECK(config.log.format == "json");
    CHECK(config.queues.at("default").slots == 10);
    CHECK(config.queues.at("default").weight == 1);
    CHECK(config.queues.at("mail").weight == 2);
    CHECK(texts(command.argv) == std::vector<std::string>{"tool", "{args.x}"});
    CHECK(command.environment == std::map<std::string, std::string>{{"EMPTY", ""}, {"LANG", "C.UTF-8"}});
    CHECK(command.pass_environment == std::vector<std::string>{"PATH"});
    CHECK(command.pass_database);
    CHECK(command.directory == "/srv");
    CHECK(command.resources.memory_bytes == 512U << 20);
    CHECK(command.resources.cpu == 20s);
    CHECK(command.resources.open_files == 64);
    CHECK(command.resources.processes == 8);
    CHECK(command.resources.file_size_bytes == 1'000'000'000);
    CHECK(command.grace == 3s);
    CHECK(command.output_max == 1024);
    CHECK(command.user == "nobody");
    CHECK(command.umask == 027);
    CHECK(command.nice == 5);
    CHECK_FALSE(command.no_new_privileges);
    CHECK(command.allow_leading_dash);
    CHECK(policy.max_attempts == 3);
    CHECK(policy.retry.base == 1s);
    CHECK(policy.retry.factor == 1.5);
    CHECK(policy.retry.cap == 1min);
    CHECK(policy.retry.jitter == 0.0);
    CHECK(policy.timeout == std::nullopt);
    CHECK(policy.keep == std::nullopt);
    CHECK(policy.snooze == 10s);
    CHECK(policy.max_give_backs == 7);
    CHECK(policy.record_every_attempt);
    CHECK(policy.notify);
    CHECK(policy.unique == UniquePolicy{.args = {"user_id"}, .only_queued = true, .window = 10min});
    CHECK(to_json(*policy.unique) == R"({"args":["user_id"],"while":"queued","for_ms":600000})");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: [defaults] apply to each kind that does not say otherwise")
{
    const auto config = load(R"(
[defaults]
max_attempts = 4
backoff = { base = "2s", cap = "1h" }
timeout = "none"
keep_completed = "0s"
snooze = "5m"
grace = "1s"
[kinds.a]
command = ["true"]
[kinds.b]
command = ["true"]
max_attempts = 9
backoff = { factor = 3 }
timeout = "1m"
grace = "2s"
)");
    const auto& a = find_kind(config, "a")->policy;
    const auto& b = find_kind(config, "b")->policy;

    CHECK(a.max_attempts == 4);
    CHECK(a.retry.base == 2s);
    CHECK(a.timeout == std::nullopt);
    CHECK(a.keep == 0s);
    CHECK(a.snooze == 5min);
    CHECK(command_of(config, "a").grace == 1s);
    CHECK(b.max_attempts == 9);
    CHECK(b.retry.base == 2s);
    CHECK(b.retry.factor == 3.0);
    CHECK(b.retry.cap == 1h);
    CHECK(b.timeout == 1min);
    CHECK(command_of(config, "b").grace == 2s);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: kinds are sorted by name and found by it")
{
    const auto config = load("[kinds.b]\ncommand = [\"true\"]\n[kinds.\"a.c\"]\ncommand = [\"true\"]\n");

    REQUIRE(config.kinds.size() == 2);
    CHECK(config.kinds[0].policy.kind == "a.c");
    CHECK(config.kinds[1].policy.kind == "b");
    CHECK(find_kind(config, "b") == &config.kinds[1]);
    CHECK(find_kind(config, "c") == nullptr);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: relative paths start at the file's directory, bare names stay")
{
    const auto config = load(R"(
database = "sqlite:jobs.db"
[kinds.a]
command = ["bin/tool", "./{args.x}"]
directory = "work"
[kinds.b]
command = ["./{{tool}}"]
[kinds.c]
command = ["/bin/true"]
)");

    CHECK(config.database == "sqlite://" + (directory / "jobs.db").string());
    CHECK(texts(command_of(config, "a").argv) ==
        std::vector<std::string>{(directory / "bin/tool").string(), "./{args.x}"});
    CHECK(command_of(config, "a").directory == (directory / "work").string());
    CHECK(command_of(config, "b").argv.at(0).fill(ArgsView("{}"), {}) == (directory / "{tool}").string());
    CHECK(command_of(config, "c").argv.at(0).text() == "/bin/true");
}

TEST_CASE_FIXTURE(ConfigFixture, "load: the example that comes with the project")
{
    // The suite sets it; by hand, the program is run from the root of the sources.
    const auto* source = std::getenv("JOBRUNNER_SOURCE_DIR");
    const auto example = std::filesystem::path(source == nullptr ? "." : source) / "examples/jobrunner.toml";
    std::ostringstream text;
    text << std::ifstream(example).rdbuf();
    const auto config = load(text.str());

    CHECK(texts(command_of(config, "file.digest").argv) ==
        std::vector<std::string>{(directory / "bin/file-digest").string(), "{args.path}"});
}
