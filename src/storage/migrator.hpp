#pragma once

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

struct MigrationStatus {
    int number = 0;
    std::string name;
    std::optional<std::string> applied_at; // unset: pending
};

// What may be asked of `roles`.
struct RoleNames {
    std::string enqueuer;
    std::string worker;
    std::string operator_role;
    std::string reader;
};

// Brings a database's schema forward. Owns a connection; not thread-safe.
// Throws Error{unreachable, outdated, usage, internal}.
class Migrator {
public:
    Migrator() = default;
    Migrator(const Migrator&) = delete;
    Migrator& operator=(const Migrator&) = delete;
    virtual ~Migrator() = default;

    // Applies what is pending, up to number `to` if set, each in a transaction of its own. Any number of processes
    // may call it at once: one applies, the others wait and find it done. Returns what it applied itself.
    virtual std::vector<MigrationStatus> migrate(std::optional<int> to) = 0;
    // All migrations that this binary knows, applied or pending, and those applied that it does not know.
    [[nodiscard]] virtual std::vector<MigrationStatus> status() = 0;
    // The SQL that migrate would run, as a script for psql or sqlite3; everything if the schema is not there.
    [[nodiscard]] virtual std::string pending_sql(std::optional<int> to) = 0;
    // The statements that create the roles and grant them what they need; empty on SQLite.
    [[nodiscard]] virtual std::string roles_sql(const RoleNames& names) = 0;
    virtual void apply_roles(const RoleNames& names) = 0;
};

} // namespace jobrunner
