#include "cli/commands.hpp"
#include "cli/job_flags.hpp"
#include "cli/schedule_flags.hpp"
#include "cli/time_for_people.hpp"
#include "client/check_job.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"
#include "config/time_zone_file.hpp"
#include "core/schedule_expression.hpp"

namespace jobrunner {
namespace {

using std::chrono::sys_seconds;

// In words, or as it is where somebody has written by SQL what means nothing.
std::string words_of(const NewSchedule& schedule)
{
    try {
        return ScheduleExpression(schedule.expression).words(schedule.time_zone);
    } catch (const Error&) {
        return schedule.expression + " " + schedule.time_zone;
    }
}

std::string state_of(const ScheduleRow& row)
{
    return row.paused_at ? "paused" : row.problem ? "problem" : "";
}

int list_schedules(Session& session)
{
    Table table({{.title = "NAME", .may_shrink = true}, {.title = "WHEN", .may_shrink = true},
        {.title = "KIND"}, {.title = "NEXT"}, {.title = "STATE"}, {.title = "FROM"}});
    for (const auto& row : session.storage().schedules()) {
        if (session.json()) {
            session.print(to_json(row).text("words", words_of(row.declared)));
            continue;
        }
        table.add({row.declared.name, words_of(row.declared), row.declared.kind,
            short_time(session.now(), row.next_at), state_of(row), row.source});
    }
    if (!session.json()) {
        session.print(table);
    }
    return exit_done;
}

ScheduleRow find_schedule(Session& session, const std::string& name)
{
    for (auto& row : session.storage().schedules()) {
        if (row.declared.name == name) {
            return std::move(row);
        }
    }
    throw Error(ErrorKind::not_found, "schedule \"" + name + "\" is not found");
}

void show_facts(Session& session, const ScheduleRow& row)
{
    const auto& declared = row.declared;
    Facts facts;
    facts.add("schedule", declared.name);
    facts.add("when", words_of(declared));
    facts.add("expression", declared.expression);
    facts.add("kind", declared.kind);
    facts.add("args", declared.args);
    facts.add("columns", declared.options == "{}" ? "" : declared.options);
    facts.add("overlap", declared.overlap);
    facts.add("missed", declared.missed);
    facts.add("jitter", declared.jitter.count() == 0 ? "" : format_duration(declared.jitter));
    facts.add("next", session.time(row.next_at));
    facts.add("paused", session.time(row.paused_at));
    facts.add("problem", row.problem.value_or(""));
    facts.add("from", row.source);
    facts.print(session.out());
}

int show_schedule(Session& session, const ScheduleFlags& flags)
{
    constexpr int runs_shown = 20;
    const auto row = find_schedule(session, flags.name);
    const auto runs = session.storage().schedule_runs(flags.name, runs_shown);
    if (session.json()) {
        std::string history = "[";
        for (const auto& run : runs) {
            history += (history.size() > 1 ? "," : "") + to_json(run).str();
        }
        session.print(to_json(row).text("words", words_of(row.declared)).raw("runs", history + "]"));
        return exit_done;
    }
    show_facts(session, row);
    Table table(
        {{.title = "DUE"}, {.title = "NOTED"}, {.title = "JOB", .right = true}, {.title = "OUTCOME"}});
    for (const auto& run : runs) {
        table.add({short_time(session.now(), run.due_at), short_time(session.now(), run.noted_at),
            run.job ? std::to_string(*run.job) : "", run.outcome});
    }
    if (!table.empty()) {
        session.out() << '\n';
        session.print(table);
    }
    return exit_done;
}

int report_schedule(Session& session, const std::string& name, const std::string& done)
{
    if (session.json()) {
        session.print(JsonObject().text("schedule", name).text("done", done));
    } else {
        Facts facts;
        facts.add(done, name);
        facts.print(session.out());
    }
    return exit_done;
}

int add_schedule(Session& session, const ScheduleFlags& flags)
{
    const auto schedule = to_new_schedule(flags, session.now());
    for (const auto& row : session.storage().schedules()) {
        if (row.declared.name == schedule.name && !flags.replace) {
            throw Error(ErrorKind::not_possible,
                "schedule \"" + schedule.name + "\" is there already; --replace was expected");
        }
        if (row.declared.name == schedule.name && row.source == "config") {
            throw Error(ErrorKind::not_possible,
                "schedule \"" + schedule.name +
                    "\" is declared in a configuration file, which would undo the change");
        }
    }
    session.storage().put_schedules({&schedule, 1}, "cli", false);
    session.note(words_of(schedule));
    return report_schedule(session, schedule.name, "added");
}

// What a verb returns says whether there is such a schedule.
int steer(Session& session, const std::string& name, bool was_there, const std::string& done)
{
    if (!was_there) {
        throw Error(ErrorKind::not_found, "schedule \"" + name + "\" is not found");
    }
    return report_schedule(session, name, done);
}

int pause_schedule(Session& session, const ScheduleFlags& flags)
{
    return steer(
        session, flags.name, session.storage().pause_schedule(flags.name, session.host().actor), "paused");
}

int resume_schedule(Session& session, const ScheduleFlags& flags)
{
    return steer(
        session, flags.name, session.storage().resume_schedule(flags.name, session.host().actor), "resumed");
}

int remove_schedule(Session& session, const ScheduleFlags& flags)
{
    return steer(
        session, flags.name, session.storage().remove_schedule(flags.name, session.host().actor), "removed");
}

int run_now(Session& session, const ScheduleFlags& flags)
{
    const JobId job = session.storage().run_schedule(flags.name, session.host().actor);
    if (session.json()) {
        session.print(JsonObject().text("schedule", flags.name).number("id", job));
    } else {
        session.out() << job << '\n';
    }
    return exit_done;
}

int preview_schedule(Session& session, const ScheduleFlags& flags)
{
    if (flags.name.empty() == !flags.cron) {
        throw Error(ErrorKind::usage, "schedules preview: the NAME of a schedule or --cron was expected");
    }
    NewSchedule schedule;
    if (flags.cron) {
        schedule.expression = *flags.cron;
        schedule.time_zone = flags.time_zone.value_or("UTC");
    } else {
        schedule = find_schedule(session, flags.name).declared;
    }
    const ScheduleExpression expression(schedule.expression);
    const auto zone = find_time_zone(schedule.time_zone);
    const int count = flags.count ? read_int(*flags.count, "--count", {1, 100'000}) : 10;
    const auto from = flags.from ? to_time_point(read_instant(*flags.from, "--from")) : session.now();
    auto at = std::chrono::floor<std::chrono::seconds>(*from);
    if (!session.json()) {
        session.note(expression.words(schedule.time_zone));
    }
    for (int i = 0; i < count; ++i) {
        const auto next = expression.next(at, *zone);
        if (!next) {
            break;
        }
        at = *next;
        const auto instant = to_instant(at);
        if (session.json()) {
            session.print(JsonObject().text("due_at", instant));
        } else {
            session.out() << session.time(instant) << '\n';
        }
    }
    return exit_done;
}

} // namespace

void add_schedules_command(CommandTree& tree)
{
    auto& schedules = tree.add({.name = "schedules",
                                   .about = "Lists schedules: jobs that are enqueued by the clock.",
                                   .examples = "jobrunner schedules\njobrunner schedules preview nightly",
                                   .group = "Operation"},
        list_schedules);
    const auto flags = std::make_shared<ScheduleFlags>();
    const auto add = [&](const std::string& name, const std::string& about, const std::string& example,
                         int (*run)(Session&, const ScheduleFlags&), bool named = true) -> CLI::App& {
        auto& command = tree.add_below(schedules,
            {.name = name, .about = about, .examples = "jobrunner schedules " + example, .group = "Commands"},
            [flags, run](Session& session) { return run(session, *flags); });
        auto* option = command.add_option("NAME", flags->name, "The schedule")->type_name("");
        if (named) {
            option->required();
        }
        return command;
    };
    add_schedule_flags(
        add("add", "Adds a schedule, or changes one with --replace.",
            "add nightly --cron \"0 2 * * *\" --time-zone Europe/Berlin --kind mail.send", add_schedule),
        *flags);
    add("show", "Shows a schedule and its latest due times.", "show nightly", show_schedule);
    add("pause", "Lets its due times pass.", "pause nightly", pause_schedule);
    add("resume", "Goes on with its next due time.", "resume nightly", resume_schedule);
    add("run-now", "Enqueues a job of it at once and prints its id.", "run-now nightly", run_now);
    add("remove", "Removes a schedule and its history. Jobs that it has enqueued stay.", "remove nightly",
        remove_schedule);
    auto& preview = add("preview", "Prints when a schedule, or an expression, is due next.",
        "preview --cron \"0 9 * * 1-5\" --time-zone Europe/Berlin", preview_schedule, false);
    add_text(preview, "--cron", flags->cron, "An expression instead of a schedule", "EXPRESSION");
    add_text(preview, "--time-zone", flags->time_zone, "Whose clocks count (default: UTC)", "ZONE");
    add_text(preview, "--count", flags->count, "How many times (default: 10)", "N");
    add_text(preview, "--from", flags->from, "After that time (default: now)", "TIME");
}

} // namespace jobrunner
