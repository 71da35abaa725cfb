#include "storage/sqlite/sqlite_migrator.hpp"

#include "core/version.hpp"
#include "storage/migrations_data.hpp"
#include "storage/oldest_binary.hpp"
#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/queries.hpp"

#include <set>

namespace jobrunner {
namespace sqlite {
namespace {

std::set<int> numbers(const std::vector<MigrationStatus>& migrations)
{
    std::set<int> numbers;
    for (const auto& migration : migrations) {
        numbers.insert(migration.number);
    }
    return numbers;
}

void put(std::string& sql, std::string_view parameter, std::string_view text)
{
    std::string quoted(1, '\'');
    for (const char c : text) {
        quoted.append(c == '\'' ? 2 : 1, c);
    }
    quoted += '\'';
    sql.replace(sql.find(parameter), parameter.size(), quoted);
}

// record_migration with its values written into it, as a script for people has it.
std::string record_sql(const EmbeddedMigration& migration)
{
    std::string sql(queries::record_migration);
    put(sql, "?1", std::to_string(migration.number));
    put(sql, "?2", migration.name);
    put(sql, "?3", "by hand");
    put(sql, "?4", oldest_binary(migration.sql));
    return sql;
}

class SqliteMigrator final : public Migrator {
public:
    SqliteMigrator(const std::string& path, const DatabaseOptions& options)
        : connection_(path, options, Connection::Missing::create),
          applied_by_("jobrunner " + std::string(version()))
    {
    }

    std::vector<MigrationStatus> migrate(std::optional<int> to) override
    {
        connection_.prefer_wal();
        std::vector<MigrationStatus> applied;
        for (const auto& migration : sqlite_migrations()) {
            if (to && migration.number > *to) {
                break;
            }
            if (apply(migration)) {
                applied.push_back({migration.number, std::string(migration.name), std::nullopt});
            }
        }
        return applied;
    }

    std::vector<MigrationStatus> status() override
    {
        std::vector<MigrationStatus> all = connection_.read([&] { return recorded(); });
        const auto applied = numbers(all);
        for (const auto& migration : sqlite_migrations()) {
            if (!applied.contains(migration.number)) {
                all.push_back({migration.number, std::string(migration.name), std::nullopt});
            }
        }
        return all;
    }

    std::string pending_sql(std::optional<int> to) override
    {
        const auto applied = numbers(connection_.read([&] { return recorded(); }));
        std::string sql;
        if (applied.empty()) {
            sql.append(queries::create_migrations).append("\n");
        }
        for (const auto& migration : sqlite_migrations()) {
            if (!applied.contains(migration.number) && (!to || migration.number <= *to)) {
                sql.append("\nBEGIN IMMEDIATE;\n").append(migration.sql).append("\n");
                sql.append(record_sql(migration)).append("\nCOMMIT;\n");
            }
        }
        return sql;
    }

    std::string roles_sql(const RoleNames&) override { return {}; }

    void apply_roles(const RoleNames&) override
    {
        throw Error(ErrorKind::usage,
            "SQLite has no roles: whoever may write " + connection_.file() + " may do everything with it");
    }

private:
    // Whether this call applied it; another process may have been first.
    bool apply(const EmbeddedMigration& migration)
    {
        return connection_.write([&] {
            connection_.statement(queries::create_migrations).run();
            refuse_if_outdated();
            if (numbers(recorded()).contains(migration.number)) {
                return false;
            }
            connection_.run_script(migration.sql);
            connection_.statement(queries::record_migration)
                .run(migration.number, migration.name, applied_by_, oldest_binary(migration.sql));
            return true;
        });
    }

    void refuse_if_outdated()
    {
        std::string oldest;
        connection_.statement(queries::list_migrations).each([&](const Statement& row) {
            oldest = row.text(3);
        });
        if (is_older(version(), oldest)) {
            throw Error(ErrorKind::outdated,
                "this is jobrunner " + std::string(version()) + ", and the schema in " + connection_.file() +
                    " needs jobrunner " + oldest + " or later");
        }
    }

    std::vector<MigrationStatus> recorded()
    {
        bool there = false;
        connection_.statement(queries::has_migrations).each([&](const Statement& row) {
            there = row.truth(0);
        });
        std::vector<MigrationStatus> all;
        if (there) {
            connection_.statement(queries::list_migrations).each([&](const Statement& row) {
                all.push_back({row.integer(0), row.text(1), row.text(2)});
            });
        }
        return all;
    }

    Connection connection_;
    std::string applied_by_;
};

} // namespace
} // namespace sqlite

std::unique_ptr<Migrator> open_sqlite_migrator(const std::string& path, const DatabaseOptions& options)
{
    return std::make_unique<sqlite::SqliteMigrator>(path, options);
}

} // namespace jobrunner
