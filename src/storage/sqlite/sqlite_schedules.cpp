// Schedules: what workers and people do with them.

#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/rows.hpp"
#include "storage/sqlite/sqlite_storage.hpp"

namespace jobrunner::sqlite {
namespace {

enum FireStatement : std::size_t {
    read_overlap,
    note_due,
    list_unfinished,
    count_waiting,
    add_job,
    newest_job,
    mark_job,
    note_outcome,
    set_next
};
enum SteerStatement : std::size_t { is_there, steer };
enum RunStatement : std::size_t { read_now, note_now, note_audit };
enum ReleaseStatement : std::size_t { list_waiting, note_problem };

constexpr std::int64_t waiting_max = 100; // of one schedule

std::optional<std::int64_t> epoch_of(const std::optional<std::chrono::sys_seconds>& at)
{
    return at ? std::optional<std::int64_t>(at->time_since_epoch().count()) : std::nullopt;
}

std::chrono::sys_seconds at_epoch(std::int64_t seconds)
{
    return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

} // namespace

void SqliteStorage::put_schedules(std::span<const NewSchedule> schedules, const std::string& source, bool all)
{
    connection_.write([&] {
        std::vector<std::string> names;
        for (const auto& one : schedules) {
            connection_.statement(queries::put_schedule)
                .run(one.name, one.expression, one.time_zone, one.kind, one.args, one.options, one.overlap,
                    one.missed, one.jitter, source);
            names.push_back(one.name);
        }
        if (all) {
            connection_.run_all(queries::remove_other_schedules, source, to_json(names));
        }
    });
}

ScheduleOutlook SqliteStorage::schedule_outlook()
{
    return connection_.read([&] { return read_outlook(); });
}

ScheduleOutlook SqliteStorage::read_outlook()
{
    ScheduleOutlook outlook;
    connection_.statement(queries::schedule_outlook).each([&](const Statement& row) {
        if (const auto next = row.maybe_number(0)) {
            outlook.next = Milliseconds(*next);
        }
        outlook.waiting = row.truth(1);
    });
    return outlook;
}

std::vector<DueSchedule> SqliteStorage::due_schedules(int limit)
{
    return connection_.read([&] {
        std::vector<DueSchedule> due;
        connection_.statement(queries::due_schedules)
            .each(
                [&](const Statement& row) {
                    DueSchedule one{row.text(0), row.text(1), row.text(2), row.text(3), row.length(4),
                        std::nullopt, at_epoch(row.number(6))};
                    if (const auto at = row.maybe_number(5)) {
                        one.due = at_epoch(*at);
                    }
                    due.push_back(std::move(one));
                },
                limit);
        return due;
    });
}

// Adds the job of one due time. Nothing: its unique_key is held by an unfinished job.
std::optional<JobId> SqliteStorage::enqueue_run(const std::string& name, double due, Milliseconds delay)
{
    const auto newest = [&] {
        JobId id = 0;
        connection_.statement(queries::fire_schedule, newest_job).each([&](const Statement& row) {
            id = row.number(0);
        });
        return id;
    };
    const JobId before = newest();
    connection_.statement(queries::fire_schedule, add_job).run(name, due, delay);
    const JobId added = newest();
    if (added == before) {
        return std::nullopt;
    }
    connection_.statement(queries::fire_schedule, mark_job).run(name, added);
    return added;
}

// Adds the job of a due time that is noted already, and says there what came of it. Returns what is wrong.
std::optional<std::string> SqliteStorage::start_run(
    const std::string& name, std::chrono::sys_seconds due, Milliseconds delay)
{
    const auto seconds = due.time_since_epoch().count();
    auto& note = connection_.statement(queries::fire_schedule, note_outcome);
    try {
        const auto job = enqueue_run(name, static_cast<double>(seconds), delay);
        note.run(name, seconds, job ? "enqueued" : "skipped", job);
    } catch (const Error& error) {
        // A refused statement undoes itself and leaves the transaction as it was.
        if (error.kind() != ErrorKind::refused) {
            throw;
        }
        note.run(name, seconds, "refused", nullptr);
        return error.what();
    }
    return std::nullopt;
}

// Notes one due time and does as `overlap` says. Returns what is wrong.
std::optional<std::string> SqliteStorage::note_run(
    const std::string& name, const std::string& overlap, const ScheduleRun& run)
{
    const auto seconds = run.due.time_since_epoch().count();
    if (connection_.statement(queries::fire_schedule, note_due).run(name, seconds) == 0) {
        return std::nullopt;
    }
    std::vector<JobId> unfinished;
    connection_.statement(queries::fire_schedule, list_unfinished)
        .each([&](const Statement& row) { unfinished.push_back(row.number(0)); }, name);
    std::int64_t waiting = 0;
    connection_.statement(queries::fire_schedule, count_waiting)
        .each([&](const Statement& row) { waiting = row.number(0); }, name);
    if (overlap == "skip" && !unfinished.empty()) {
        return std::nullopt;
    }
    if (overlap == "queue" && (!unfinished.empty() || waiting > 0)) {
        if (waiting < waiting_max) {
            connection_.statement(queries::fire_schedule, note_outcome)
                .run(name, seconds, "waiting", nullptr);
        }
        return std::nullopt;
    }
    if (overlap == "replace") {
        for (const JobId id : unfinished) {
            connection_.statement(queries::cancel_job, steer).run(id, "schedule " + name);
        }
    }
    return start_run(name, run.due, run.delay);
}

bool SqliteStorage::fire_schedule(const ScheduleFiring& firing)
{
    return connection_.write([&] {
        std::optional<std::string> overlap;
        connection_.statement(queries::fire_schedule, read_overlap)
            .each([&](const Statement& row) { overlap = row.text(0); }, firing.name, firing.expression,
                firing.time_zone, epoch_of(firing.due));
        if (!overlap) {
            return false;
        }
        std::optional<std::string> problem;
        for (const auto& run : firing.plan.runs) {
            if (auto wrong = note_run(firing.name, *overlap, run)) {
                problem = std::move(wrong);
            }
        }
        connection_.statement(queries::fire_schedule, set_next)
            .run(firing.name, epoch_of(firing.plan.next), problem);
        return true;
    });
}

void SqliteStorage::fail_schedule(const DueSchedule& schedule, const std::string& problem)
{
    connection_.write([&] {
        connection_.statement(queries::fail_schedule)
            .run(schedule.name, schedule.expression, schedule.time_zone, epoch_of(schedule.due), problem);
    });
}

void SqliteStorage::release_runs()
{
    connection_.write([&] {
        std::vector<std::pair<std::string, std::int64_t>> waiting;
        connection_.statement(queries::release_runs, list_waiting).each([&](const Statement& row) {
            waiting.emplace_back(row.text(0), row.number(1));
        });
        for (const auto& [name, due] : waiting) {
            if (const auto problem = start_run(name, at_epoch(due), Milliseconds{0})) {
                connection_.statement(queries::release_runs, note_problem).run(name, problem);
            }
        }
    });
}

std::vector<ScheduleRow> SqliteStorage::schedules()
{
    return connection_.read([&] {
        std::vector<ScheduleRow> schedules;
        connection_.statement(queries::list_schedules).each([&](const Statement& row) {
            schedules.push_back({{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
                                     row.text(5), row.text(6), row.text(7), row.length(8)},
                row.maybe_text(9), row.maybe_text(10), row.text(11), row.maybe_text(12)});
        });
        return schedules;
    });
}

std::vector<ScheduleRunRow> SqliteStorage::schedule_runs(const std::string& name, int limit)
{
    return connection_.read([&] {
        std::vector<ScheduleRunRow> runs;
        connection_.statement(queries::list_schedule_runs)
            .each(
                [&](const Statement& row) {
                    runs.push_back({row.text(0), row.text(1), row.maybe_number(2), row.text(3)});
                },
                name, limit);
        return runs;
    });
}

bool SqliteStorage::steer_schedule(std::string_view query, const std::string& name, const std::string& actor)
{
    return connection_.write([&] {
        bool found = false;
        connection_.statement(query, is_there)
            .each([&](const Statement& row) { found = row.truth(0); }, name);
        if (found) {
            connection_.statement(query, steer).run(name, actor);
        }
        return found;
    });
}

bool SqliteStorage::pause_schedule(const std::string& name, const std::string& actor)
{
    return steer_schedule(queries::pause_schedule, name, actor);
}

bool SqliteStorage::resume_schedule(const std::string& name, const std::string& actor)
{
    return steer_schedule(queries::resume_schedule, name, actor);
}

bool SqliteStorage::remove_schedule(const std::string& name, const std::string& actor)
{
    return steer_schedule(queries::remove_schedule, name, actor);
}

JobId SqliteStorage::run_schedule(const std::string& name, const std::string& actor)
{
    return connection_.write([&] {
        std::optional<double> now;
        connection_.statement(queries::run_schedule, read_now)
            .each([&](const Statement& row) { now = row.real(0); }, name);
        if (!now) {
            throw Error(ErrorKind::not_found, "schedule \"" + name + "\" is not found");
        }
        const auto job = enqueue_run(name, *now, Milliseconds{0});
        if (!job) {
            throw Error(
                ErrorKind::not_possible, "schedule \"" + name + "\": an unfinished job holds its unique_key");
        }
        connection_.statement(queries::run_schedule, note_now).run(name, *now, *job);
        connection_.statement(queries::run_schedule, note_audit).run(name, *job, actor);
        return *job;
    });
}

} // namespace jobrunner::sqlite
