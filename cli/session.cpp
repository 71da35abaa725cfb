#include "cli/session.hpp"

#include "cli/terminal_text.hpp"
#include "cli/time_for_people.hpp"
#include "config/database_url.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

// As the configuration file demands it of its `schema`.
void check_schema(const std::string& schema)
{
    constexpr std::size_t schema_bytes_max = 48;
    const bool plain = std::ranges::all_of(
        schema, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
    if (!plain || schema.empty() || schema.size() > schema_bytes_max ||
        (schema[0] >= '0' && schema[0] <= '9') || schema.starts_with("pg_")) {
        throw Error(ErrorKind::usage,
            "--schema: is \"" + schema +
                "\"; a name of 1 to 48 letters a-z, digits and _, starting with no digit and not with pg_, "
                "was expected");
    }
}

} // namespace

const Config& Session::config()
{
    if (!config_) {
        ConfigSources sources;
        sources.flag = options_.config;
        sources.environment = host_.variable("JOBRUNNER_CONFIG");
        const auto file = find_config(sources);
        config_ = file ? load_config(*file) : Config{};
    }
    return *config_;
}

DatabaseOptions Session::database()
{
    DatabaseOptions database;
    database.url =
        choose_database({options_.database, host_.variable("JOBRUNNER_DATABASE"), config().database});
    database.schema = options_.schema.value_or(config().schema);
    database.pooled = config().pooled;
    check_schema(database.schema);
    return database;
}

Storage& Session::storage()
{
    if (!storage_) {
        storage_ = host_.open_storage(database());
    }
    return *storage_;
}

Migrator& Session::migrator()
{
    if (!migrator_) {
        migrator_ = host_.open_migrator(database());
    }
    return *migrator_;
}

std::string Session::log_level()
{
    return options_.log_level.value_or(config().log.level);
}

std::string Session::log_format()
{
    return options_.log_format.value_or(config().log.format);
}

std::string Session::time(const std::optional<Instant>& instant) const
{
    return local_time(now(), instant);
}

void Session::note(const std::string& text)
{
    host_.err << "jobrunner: " << shown(text) << '\n';
}

int exit_status(ErrorKind kind)
{
    switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::refused:
    case ErrorKind::outdated:
        return exit_usage;
    case ErrorKind::not_found:
        return exit_not_found;
    case ErrorKind::not_possible:
        return exit_not_possible;
    case ErrorKind::unreachable:
    case ErrorKind::in_doubt:
        return exit_unreachable;
    case ErrorKind::internal:
        return exit_failed;
    }
    return exit_failed;
}

} // namespace jobrunner
