// Schedules: what workers and people do with them.

#include "storage/postgres/postgres_storage.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"

namespace jobrunner::postgres {
namespace {

std::optional<std::int64_t> epoch_of(const std::optional<std::chrono::sys_seconds>& at)
{
    return at ? std::optional<std::int64_t>(at->time_since_epoch().count()) : std::nullopt;
}

std::chrono::sys_seconds at_epoch(std::int64_t seconds)
{
    return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

} // namespace

void PostgresStorage::put_schedules(
    std::span<const NewSchedule> schedules, const std::string& source, bool all)
{
    connection_.transact([&](Connection::Transaction& tx) {
        std::vector<std::string> names;
        for (const auto& one : schedules) {
            Params params;
            params.add(one.name).add(one.expression).add(one.time_zone).add(one.kind).add(one.args);
            params.add(one.options).add(one.overlap).add(one.missed).add(one.jitter.count()).add(source);
            tx.run(queries::put_schedule, params);
            names.push_back(one.name);
        }
        if (all) {
            tx.run(queries::remove_other_schedules, Params().add(source).add(names));
        }
    });
}

ScheduleOutlook PostgresStorage::schedule_outlook()
{
    const auto rows = connection_.read(queries::schedule_outlook);
    return {maybe_length(rows[0][0]), truth(rows[0][1])};
}

std::vector<DueSchedule> PostgresStorage::due_schedules(int limit)
{
    std::vector<DueSchedule> due;
    for (const auto& row : connection_.read(queries::due_schedules, Params().add(limit))) {
        DueSchedule one{text(row[0]), text(row[1]), text(row[2]), text(row[3]), Milliseconds(number(row[4])),
            std::nullopt, at_epoch(number(row[6]))};
        if (const auto at = maybe_number(row[5])) {
            one.due = at_epoch(*at);
        }
        due.push_back(std::move(one));
    }
    return due;
}

bool PostgresStorage::fire_schedule(const ScheduleFiring& firing)
{
    std::vector<std::int64_t> due;
    std::vector<std::int64_t> delays;
    for (const auto& run : firing.plan.runs) {
        due.push_back(run.due.time_since_epoch().count());
        delays.push_back(run.delay.count());
    }
    Params params;
    params.add(firing.name).add(firing.expression).add(firing.time_zone).add(epoch_of(firing.due));
    params.add(due).add(delays).add(epoch_of(firing.plan.next));
    return truth(connection_.write(queries::fire_schedule, params)[0][0]);
}

void PostgresStorage::fail_schedule(const DueSchedule& schedule, const std::string& problem)
{
    Params params;
    params.add(schedule.name)
        .add(schedule.expression)
        .add(schedule.time_zone)
        .add(epoch_of(schedule.due))
        .add(problem);
    connection_.write(queries::fail_schedule, params);
}

void PostgresStorage::release_runs()
{
    connection_.write(queries::release_runs);
}

std::vector<ScheduleRow> PostgresStorage::schedules()
{
    std::vector<ScheduleRow> schedules;
    for (const auto& row : connection_.read(queries::list_schedules)) {
        schedules.push_back({{text(row[0]), text(row[1]), text(row[2]), text(row[3]), text(row[4]),
                                 text(row[5]), text(row[6]), text(row[7]), Milliseconds(number(row[8]))},
            maybe_text(row[9]), maybe_text(row[10]), text(row[11]), maybe_text(row[12])});
    }
    return schedules;
}

std::vector<ScheduleRunRow> PostgresStorage::schedule_runs(const std::string& name, int limit)
{
    std::vector<ScheduleRunRow> runs;
    for (const auto& row : connection_.read(queries::list_schedule_runs, Params().add(name).add(limit))) {
        runs.push_back({text(row[0]), text(row[1]), maybe_number(row[2]), text(row[3])});
    }
    return runs;
}

bool PostgresStorage::steer_schedule(
    std::string_view query, const std::string& name, const std::string& actor)
{
    bool found = false;
    connection_.transact([&](Connection::Transaction& tx) {
        tx.run(queries::set_actor, Params().add(actor));
        found = truth(tx.run(query, Params().add(name))[0][0]);
    });
    return found;
}

bool PostgresStorage::pause_schedule(const std::string& name, const std::string& actor)
{
    return steer_schedule(queries::pause_schedule, name, actor);
}

bool PostgresStorage::resume_schedule(const std::string& name, const std::string& actor)
{
    return steer_schedule(queries::resume_schedule, name, actor);
}

bool PostgresStorage::remove_schedule(const std::string& name, const std::string& actor)
{
    return steer_schedule(queries::remove_schedule, name, actor);
}

JobId PostgresStorage::run_schedule(const std::string& name, const std::string& actor)
{
    JobId job = 0;
    connection_.transact([&](Connection::Transaction& tx) {
        tx.run(queries::set_actor, Params().add(actor));
        job = number(tx.run(queries::run_schedule, Params().add(name))[0][0]);
    });
    return job;
}

} // namespace jobrunner::postgres
