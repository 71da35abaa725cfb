#include "storage/sqlite/gates.hpp"

#include "storage/sqlite/queries.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner::sqlite {
namespace {

enum GateStatement : std::size_t {
    last_note,
    meet_parents,
    list_failed,
    cancel_failed,
    leave_turns,
    take_turns,
    release_jobs,
    list_batches,
    clear_notes
};
enum BatchStatement : std::size_t {
    look_at_batch,
    call_back,
    note_events,
    tell_parent,
    fold_counts,
    drop_counts
};

// Two batches may be parts of each other's callbacks; nothing goes round for ever in one transaction.
constexpr int rounds_max = 100;

struct Callback {
    const char* event;
    bool due;
    std::optional<std::string> job;
};

// Enqueues a callback, and says what is wrong with it.
std::optional<std::string> call(Connection& connection, std::int64_t batch, const Callback& callback)
{
    if (!callback.due || !callback.job) {
        return std::nullopt;
    }
    try {
        connection.statement(queries::close_batch, call_back).run(batch, callback.event, *callback.job);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::refused && error.kind() != ErrorKind::usage) {
            throw;
        }
        return "on_" + std::string(callback.event) + ": " + error.what();
    }
    return std::nullopt;
}

void close(Connection& connection, std::int64_t batch)
{
    const auto step = [&](BatchStatement nth) -> Statement& {
        return connection.statement(queries::close_batch, nth);
    };
    std::vector<Callback> callbacks;
    step(look_at_batch)
        .each(
            [&](const Statement& row) {
                callbacks = {{"death", row.truth(0), row.maybe_text(3)},
                    {"complete", row.truth(1), row.maybe_text(4)},
                    {"success", row.truth(2), row.maybe_text(5)}};
            },
            batch);
    if (callbacks.empty()) {
        return;
    }
    std::optional<std::string> problem;
    for (const auto& callback : callbacks) {
        if (auto wrong = call(connection, batch, callback)) {
            problem = std::move(wrong);
        }
    }
    step(note_events).run(batch, callbacks[0].due, callbacks[1].due, callbacks[2].due, problem);
    if (callbacks[1].due || callbacks[2].due) {
        step(tell_parent).run(batch);
    }
    step(fold_counts).run(batch);
    step(drop_counts).run(batch);
}

void cancel_children(Connection& connection, std::int64_t last)
{
    struct Failed {
        std::int64_t id;
        std::string why;
    };
    std::vector<Failed> failed;
    connection.statement(queries::pass_gates, list_failed)
        .each(
            [&](const Statement& row) {
                failed.push_back({row.number(0),
                    "job " + std::to_string(row.number(1)) + ", on which it depends, is " + row.text(2)});
            },
            last);
    for (const auto& one : failed) {
        connection.statement(queries::pass_gates, cancel_failed).run(one.id, one.why);
    }
}

} // namespace

int judge_gates(Connection& connection, int at_most)
{
    const auto step = [&](GateStatement nth) -> Statement& {
        return connection.statement(queries::pass_gates, nth);
    };
    int judged = 0;
    for (int round = 0; round < rounds_max; ++round) {
        std::optional<std::int64_t> last;
        step(last_note).each([&](const Statement& row) { last = row.maybe_number(0); }, at_most);
        if (!last) {
            break;
        }
        step(meet_parents).run(*last);
        cancel_children(connection, *last);
        step(leave_turns).run(*last);
        step(take_turns).run(*last);
        step(release_jobs).run(*last);
        std::vector<std::int64_t> batches;
        step(list_batches).each([&](const Statement& row) { batches.push_back(row.number(0)); }, *last);
        for (const auto batch : batches) {
            close(connection, batch);
        }
        judged += step(clear_notes).run(*last);
    }
    return judged;
}

} // namespace jobrunner::sqlite
