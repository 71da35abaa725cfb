#include "storage/postgres/postgres_migrator.hpp"

#include "core/version.hpp"
#include "storage/migrations_data.hpp"
#include "storage/oldest_binary.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"

#include <algorithm>
#include <set>

namespace jobrunner::postgres {
namespace {

std::string quote_text(std::string_view value)
{
    std::string quoted = "'";
    for (const char c : value) {
        quoted += c;
        if (c == '\'') {
            quoted += c;
        }
    }
    return quoted + "'";
}

void replace_all(std::string& text, std::string_view token, const std::string& value)
{
    for (auto at = text.find(token); at != std::string::npos; at = text.find(token, at + value.size())) {
        text.replace(at, token.size(), value);
    }
}

bool is_wanted(const EmbeddedMigration& migration, const std::set<int>& applied, std::optional<int> to)
{
    return !applied.contains(migration.number) && (!to || migration.number <= *to);
}

class PostgresMigrator final : public Migrator {
public:
    explicit PostgresMigrator(const DatabaseOptions& options) : connection_(options)
    {
        static_cast<void>(connection_.session()); // Unreachable is found out at once.
    }

    std::vector<MigrationStatus> migrate(std::optional<int> to) override
    {
        std::vector<MigrationStatus> applied;
        for (const auto& migration : postgres_migrations()) {
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
        std::vector<MigrationStatus> all = recorded();
        const auto applied = numbers(all);
        for (const auto& migration : postgres_migrations()) {
            if (!applied.contains(migration.number)) {
                all.push_back({migration.number, std::string(migration.name), std::nullopt});
            }
        }
        return all;
    }

    std::string pending_sql(std::optional<int> to) override
    {
        const auto applied = numbers(recorded());
        std::string sql;
        if (applied.empty()) {
            sql += connection_.localize(queries::make_schema) + "\n" +
                connection_.localize(queries::create_migrations) + "\n";
        }
        for (const auto& migration : postgres_migrations()) {
            if (is_wanted(migration, applied, to)) {
                sql += "\nBEGIN;\n" + connection_.localize(migration.sql) + "\n" + record_sql(migration) +
                    "COMMIT;\n";
            }
        }
        return sql;
    }

    std::string roles_sql(const RoleNames& names) override
    {
        std::string sql = connection_.localize(queries::roles);
        const auto put = [&sql](const std::string& token, const std::string& name) {
            replace_all(sql, "{" + token + "}", quote_identifier(name));
            replace_all(sql, "{" + token + "_text}", quote_text(name));
        };
        put("enqueuer", names.enqueuer);
        put("worker", names.worker);
        put("operator", names.operator_role);
        put("reader", names.reader);
        return sql + "\n";
    }

    void apply_roles(const RoleNames& names) override
    {
        connection_.transact([&](Connection::Transaction& tx) { tx.run_script(roles_sql(names)); });
    }

private:
    // Whether this call applied it; another process may have been first.
    bool apply(const EmbeddedMigration& migration)
    {
        bool mine = false;
        connection_.transact([&](Connection::Transaction& tx) {
            mine = false;
            tx.run(queries::lock_migrations, Params().add(connection_.options().schema));
            if (!truth(tx.run(queries::has_migrations, Params().add(connection_.options().schema))[0][0])) {
                tx.run_script(connection_.localize(queries::make_schema));
                tx.run_script(connection_.localize(queries::create_migrations));
            }
            const auto known = tx.run(queries::list_migrations);
            refuse_if_outdated(known);
            for (const auto& row : known) {
                if (number(row[0]) == migration.number) {
                    return;
                }
            }
            tx.run_script(connection_.localize(migration.sql));
            Params params;
            params.add(migration.number).add(migration.name).add("jobrunner " + std::string(version()));
            tx.run(queries::record_migration, params.add(oldest_binary(migration.sql)));
            mine = true;
        });
        return mine;
    }

    static void refuse_if_outdated(const pqxx::result& known)
    {
        if (!known.empty() && is_older(version(), text(known[known.size() - 1][3]))) {
            throw Error(ErrorKind::outdated,
                "this is jobrunner " + std::string(version()) +
                    ", and the database's schema needs jobrunner " + text(known[known.size() - 1][3]) +
                    " or later");
        }
    }

    std::vector<MigrationStatus> recorded()
    {
        std::vector<MigrationStatus> all;
        const auto there =
            connection_.read(queries::has_migrations, Params().add(connection_.options().schema));
        if (!truth(there[0][0])) {
            return all;
        }
        for (const auto& row : connection_.read(queries::list_migrations)) {
            all.push_back({static_cast<int>(number(row[0])), text(row[1]), text(row[2])});
        }
        return all;
    }

    static std::set<int> numbers(const std::vector<MigrationStatus>& migrations)
    {
        std::set<int> numbers;
        for (const auto& migration : migrations) {
            numbers.insert(migration.number);
        }
        return numbers;
    }

    std::string record_sql(const EmbeddedMigration& migration) const
    {
        std::string sql = connection_.localize(queries::record_migration);
        replace_all(sql, "$1", std::to_string(migration.number));
        replace_all(sql, "$2", quote_text(migration.name));
        replace_all(sql, "$3", quote_text("by hand"));
        replace_all(sql, "$4", quote_text(oldest_binary(migration.sql)));
        return sql + "\n";
    }

    Connection connection_;
};

} // namespace

std::unique_ptr<Migrator> make_migrator(const DatabaseOptions& options)
{
    return std::make_unique<PostgresMigrator>(options);
}

} // namespace jobrunner::postgres
