#include "config/read_schedule.hpp"

#include "config/time_zone_file.hpp"
#include "core/error.hpp"
#include "core/schedule_plan.hpp"

#include <functional>
#include <nlohmann/json.hpp>

namespace jobrunner {
namespace {

// Runs a check that throws, and adds what it says to the problems.
void check(ConfigSection& section, std::string_view key, const std::function<void()>& step)
{
    try {
        step();
    } catch (const Error& error) {
        section.problem(key, error.what());
    }
}

template <typename Value>
void put(nlohmann::ordered_json& columns, const char* name, const std::optional<Value>& value)
{
    if (value) {
        columns[name] = *value;
    }
}

void put_names(nlohmann::ordered_json& columns, ConfigSection& section, const char* name)
{
    if (const auto texts = section.texts(name, "an array of names")) {
        auto& names = columns[name] = nlohmann::ordered_json::array();
        for (const auto& text : *texts) {
            names.push_back(text.value);
        }
    }
}

// Further columns of the schedule's jobs.
std::string read_columns(ConfigSection& section)
{
    nlohmann::ordered_json columns = nlohmann::ordered_json::object();
    put(columns, "queue", section.name("queue"));
    put(columns, "priority", section.integer("priority", {-32'768, 32'767}));
    put(columns, "max_attempts", section.integer("max_attempts", {1, 10'000}));
    // A number of seconds means the same to both databases.
    if (const auto timeout = section.duration("timeout", {Milliseconds{1}, std::chrono::hours{24 * 30}})) {
        columns["timeout"] = static_cast<double>(timeout->count()) / 1000.0;
    }
    put(columns, "unique_key", section.text("unique_key", "a key"));
    put(columns, "concurrency_key", section.text("concurrency_key", "a key"));
    put(columns, "fair_key", section.text("fair_key", "a key"));
    put_names(columns, section, "requires");
    put_names(columns, section, "tags");
    if (const auto meta = section.json("meta", "a table")) {
        columns["meta"] = nlohmann::ordered_json::parse(*meta);
    }
    return columns.dump();
}

} // namespace

ScheduleConfig read_schedule(const std::string& name, ConfigSection section)
{
    ScheduleConfig schedule;
    schedule.name = name;
    if (!is_config_name(name)) {
        section.problem(
            "", "is no name of a schedule; " + std::string(config_name_expected) + " was expected");
    }
    if (const auto cron = section.text("cron", "a cron expression")) {
        schedule.expression = *cron;
        check(section, "cron", [&] { (void)ScheduleExpression(*cron); });
    } else if (!section.has("cron")) {
        section.problem(
            "", "has no cron; an expression such as \"0 9 * * 1-5\" or \"@every 90s\" was expected");
    }
    if (const auto kind = section.name("kind")) {
        schedule.kind = *kind;
    } else if (!section.has("kind")) {
        section.problem("", "has no kind; the kind of its jobs was expected");
    }
    if (const auto zone = section.text("time_zone", "a time zone such as Europe/Berlin")) {
        schedule.time_zone = *zone;
        check(section, "time_zone", [&] { (void)find_time_zone(*zone); });
    }
    if (const auto missed = section.text("missed", "none, last or all up to N")) {
        schedule.missed = *missed;
        check(section, "missed", [&] { (void)parse_missed(*missed); });
    }
    assign(schedule.overlap, section.choice("overlap", {"skip", "queue", "allow", "replace"}));
    assign(schedule.jitter, section.duration("jitter", {std::chrono::seconds{0}, std::chrono::hours{24}}));
    assign(schedule.args, section.json("args", "a table"));
    schedule.options = read_columns(section);
    section.refuse_unknown();
    return schedule;
}

} // namespace jobrunner
