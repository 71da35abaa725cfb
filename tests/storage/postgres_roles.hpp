// The four roles of a test's own schema.
#pragma once

#include "storage/postgres_database.hpp"

#include <string>

namespace jobrunner::tests {

// Creates roles of fresh names with what the product grants them, and drops them when it goes.
class PostgresRoles {
public:
    explicit PostgresRoles(PostgresDatabase& database);
    PostgresRoles(const PostgresRoles&) = delete;
    PostgresRoles& operator=(const PostgresRoles&) = delete;
    ~PostgresRoles();

    [[nodiscard]] const RoleNames& names() const { return names_; }
    // Options of a connection that acts as `role` from its start.
    [[nodiscard]] DatabaseOptions options_as(const std::string& role) const;

private:
    PostgresDatabase& database_;
    RoleNames names_;
};

// Lines for COPY FROM STDIN into jobs.
class TemporaryCopy {
public:
    TemporaryCopy(std::string schema, std::string columns, std::string lines)
        : schema_(std::move(schema)), columns_(std::move(columns)), lines_(std::move(lines))
    {
    }
    // Throws std::runtime_error with what the server said where it refuses.
    void run(const std::string& url, const std::string& role = {}) const;

private:
    std::string schema_;
    std::string columns_;
    std::string lines_;
};

} // namespace jobrunner::tests
