#pragma once

#include "core/args_template.hpp"
#include "core/duration.hpp"
#include "core/ip_network.hpp"
#include "core/kind_policy.hpp"
#include "core/url_template.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jobrunner {

// The configuration file as plain values; docs/configuration.md explains each key. A default
// member is what an absent key means.

struct LogConfig {
    std::string level = "info";  // trace, debug, info, warn, error or off
    std::string format = "text"; // or json
};

struct WorkerConfig {
    int slots = 10;
    Milliseconds shutdown_timeout{30'000};
    Milliseconds lease{30'000};
    std::vector<std::string> labels;
    std::optional<std::string> name; // nothing: the host's name
    bool allow_root = false;         // whether root may be the user of jobs' processes
    std::string metrics;             // an address and a port to serve them at; empty: nowhere
};

struct QueueConfig {
    std::optional<int> slots; // nothing: the worker's
    int weight = 1;
};

// Nothing means that the worker's own limit stands.
struct ResourceLimits {
    std::optional<std::uint64_t> memory_bytes;
    std::optional<Milliseconds> cpu; // a whole number of seconds
    std::optional<int> open_files;
    std::optional<int> processes;
    std::optional<std::uint64_t> file_size_bytes;
};

// Looks at some of a command's processes while they run, with a program that is started before theirs.
struct ProfileConfig {
    std::vector<std::string> command; // {file} in it is where the profile goes
    std::string directory;            // absolute; of the profiles
    double share = 1.0;               // of the jobs
};

// A process for each job.
struct CommandConfig {
    // The program is a literal: an absolute path, or a bare name to be found in PATH.
    std::vector<ArgsTemplate> argv;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> secret_environment; // names of secrets
    std::vector<std::string> pass_environment;             // names, copied from the worker where it has them
    bool pass_database = false;                            // JOBRUNNER_DATABASE, without its password
    std::string directory;                                 // absolute; empty: the worker's
    ResourceLimits resources;
    Milliseconds grace{10'000}; // from SIGTERM to SIGKILL
    std::size_t output_max = 64 * 1024;
    std::optional<std::string> user;
    std::optional<int> umask;
    int nice = 0;
    bool no_new_privileges = true;
    std::optional<ProfileConfig> profile{};
    bool allow_leading_dash = false; // whether a value may begin an argument with a dash
};

// Warm children that take many jobs each: a pool of them, for one kind or, by its name, for several.
struct ServiceConfig {
    std::string name;       // of the table in [services], or of the kind that has the pool for itself
    bool is_shared = false; // of [services]
    CommandConfig process;  // its arguments are literals
    int instances_min = 0;
    int instances_max = 1;
    Milliseconds start_timeout{30'000};                // until it says that it is ready
    std::optional<Milliseconds> idle_timeout{300'000}; // nothing: never
    std::optional<int> recycle_after_jobs;
    std::optional<std::uint64_t> recycle_over_memory; // resident bytes of the child itself
};

// An HTTP request for each job.
struct HttpConfig {
    std::optional<UrlTemplate> url; // always set where the configuration is good
    std::string method = "POST";
    std::map<std::string, ArgsTemplate> headers;
    std::string secret;                   // the name of the one that signs; empty: no signature
    std::vector<std::string> allow_hosts; // for a host that a job fills in
    AddressPolicy addresses;
    int connections_max = 0; // to one host; 0: no limit
    Milliseconds connect_timeout{10'000};
    std::size_t response_max = 1024 * 1024;
    Milliseconds retry_after_max{3'600'000};
    std::string ca_file; // absolute; empty: the host's certificates
    std::string proxy;   // a URL; empty: none
};

// A statement that runs in one transaction with the job's completion.
struct SqlConfig {
    std::string statement;
    std::optional<std::string> role; // of PostgreSQL; nothing: the worker's
};

// Jobs of a kind that are run together.
struct ChunkConfig {
    int max = 100;
    Milliseconds wait{50}; // from the first of them until it is started with those that there are
};

struct KindConfig {
    KindPolicy policy;
    std::variant<CommandConfig, ServiceConfig, HttpConfig, SqlConfig> runs;
    std::optional<ChunkConfig> chunk{}; // nothing: each by itself
};

// What is called beside jobs, when they start and end.
struct HookConfig {
    KindConfig call;             // its kind is the hook's name; a command or http
    std::set<std::string> on;    // of hook_events
    std::set<std::string> kinds; // whose jobs; none: all
};

inline constexpr std::array<std::string_view, 7> hook_events{
    "started", "completed", "failed", "dead", "cancelled", "snoozed", "released"};

// Where a secret is found each time that it is needed; one of both is set.
struct SecretConfig {
    std::string file; // absolute
    std::string environment;
};

// Jobs that are enqueued by the clock.
struct ScheduleConfig {
    std::string name;
    std::string expression;
    std::string time_zone = "UTC";
    std::string kind;
    std::string args = "{}";    // JSON
    std::string options = "{}"; // JSON: further columns of its jobs
    std::string overlap = "queue";
    std::string missed = "last";
    Milliseconds jitter{0};
};

// What a visitor of the web page or of its API may do; each holds what stands before it.
enum class WebScope { read, operate, admin };

// Who knows the token has its scope. The token itself stands nowhere.
struct WebToken {
    std::string name;   // for the audit
    std::string sha256; // of the token: 64 hexadecimal digits in lower case
    WebScope scope = WebScope::read;
};

// `jobrunner serve`.
struct WebConfig {
    std::string listen = "127.0.0.1:8642";
    std::vector<std::string> host_names; // that it may be called by, besides addresses and localhost
    std::vector<WebToken> tokens;
    std::string proxy_header;       // in which a proxy names the user; empty: there is none
    std::vector<IpNetwork> proxies; // whose header is believed
    WebScope proxy_scope = WebScope::read;
    WebScope local_scope = WebScope::operate; // of everybody, where neither tokens nor a proxy are set up
    // Members of jobs' JSON whose values are not shown: names in which * stands for anything, whatever the case.
    std::vector<std::string> redact{
        "*passw*", "*secret*", "*token*", "*api_key*", "*apikey*", "*credential*", "*authorization*"};
    std::string read_database; // a URL for what is only looked at; empty: the database itself
};

struct Config {
    std::string path;     // of the file; empty: there is none
    std::string database; // a URL; empty: the file names none
    std::string schema = "jobrunner";
    bool pooled = false; // the database is behind a transaction-mode pooler
    WorkerConfig worker;
    LogConfig log;
    WebConfig web;
    std::map<std::string, QueueConfig> queues;
    std::map<std::string, SecretConfig> secrets;
    std::vector<KindConfig> kinds;                        // by name, ascending
    std::vector<HookConfig> hooks;                        // by name, ascending
    std::optional<std::vector<ScheduleConfig>> schedules; // nothing: the file says nothing of them
};

// Reads and checks a configuration file. Relative paths in it (of the database, of commands with
// a slash, of directories) come out absolute, starting at the file's directory.
//
// Throws Error{usage}. One line for each thing that is wrong, in the order of the file, as
// "file:line: key: what is wrong and what was expected"; lines are separated by '\n'. A file that
// declares kinds or [web] is refused when group or others may write it, or when it belongs to neither root
// nor the effective user, since whoever writes it chooses what is executed and who may look.
[[nodiscard]] Config load_config(const std::filesystem::path& file);

// Where to look for the configuration file.
struct ConfigSources {
    std::optional<std::string> flag;        // --config; must exist if set
    std::optional<std::string> environment; // $JOBRUNNER_CONFIG; must exist if set; empty: unset
    std::vector<std::filesystem::path> places{"jobrunner.toml", "/etc/jobrunner/jobrunner.toml"};
};

// The first of the sources that there is, or nothing.
// Throws Error{usage} that names flag or variable when the file it names does not exist.
[[nodiscard]] std::optional<std::filesystem::path> find_config(const ConfigSources& sources);

// The kind of that name, or null. Lives as long as `config`.
[[nodiscard]] const KindConfig* find_kind(const Config& config, std::string_view name);

} // namespace jobrunner
