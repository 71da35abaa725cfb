#include "cli/commands.hpp"
#include "cli/terminal_text.hpp"
#include "client/row_json.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

constexpr int gates_per_fix = 1000;

// What any worker does by itself, done at once: partitions, folded statistics, rows of workers long gone, blocked jobs.
void fix(Storage& storage)
{
    storage.tidy({}); // for the retentions that workers have published
    while (storage.pass_gates(gates_per_fix) == gates_per_fix) {
    }
}

int examine(Session& session, bool with_fix)
{
    auto& storage = session.storage();
    if (with_fix) {
        fix(storage);
    }
    const auto findings = storage.findings();
    for (const auto& one : findings) {
        if (session.json()) {
            session.print(to_json(one));
        } else {
            session.out() << one.severity << ' ' << one.code << ": " << shown(one.text) << "\n    "
                          << shown(one.remedy) << '\n';
        }
    }
    const bool bad =
        std::ranges::any_of(findings, [](const Finding& one) { return one.severity == "error"; });
    if (findings.empty() && !session.json()) {
        session.out() << "nothing is wrong\n";
    }
    return bad ? exit_failed : exit_done;
}

int verify(Session& session)
{
    const auto violations = session.storage().violations();
    for (const auto& one : violations) {
        if (session.json()) {
            session.print(to_json(one));
        } else {
            session.out() << one.promise << ": " << (one.job ? "job " + std::to_string(*one.job) + ": " : "")
                          << shown(one.text) << '\n';
        }
    }
    if (violations.empty() && !session.json()) {
        session.out() << "every promise is kept\n";
    }
    return violations.empty() ? exit_done : exit_failed;
}

} // namespace

void add_doctor_commands(CommandTree& tree)
{
    const auto with_fix = std::make_shared<bool>(false);
    auto& doctor =
        tree.add({.name = "doctor",
                     .about = "Looks for what is wrong with the database, its settings and the workers, and "
                              "says what to do.",
                     .examples = "jobrunner doctor\njobrunner doctor --fix\njobrunner doctor --json",
                     .group = "Operation"},
            [with_fix](Session& session) { return examine(session, *with_fix); });
    doctor.add_flag("--fix", *with_fix, "First do what is safe: partitions, leftovers, blocked jobs");
    tree.add(
        {.name = "verify",
            .about =
                "Checks over all rows that every promise is kept, and names each job for which one is not.",
            .examples = "jobrunner verify\njobrunner verify --json",
            .group = "Operation"},
        [](Session& session) { return verify(session); });
}

} // namespace jobrunner
