#include "storage/postgres/errors.hpp"

#include <pqxx/pqxx>

#include <algorithm>

namespace jobrunner::postgres {
namespace {

// The first line, without the severity, of what the server said.
std::string first_line(const std::string& message)
{
    std::string line = message.substr(0, message.find('\n'));
    for (const std::string_view prefix : {"ERROR:  ", "FATAL:  "}) {
        if (line.starts_with(prefix)) {
            line.erase(0, prefix.size());
        }
    }
    return line;
}

// The nth text in double quotes, from 0; empty if there are fewer.
std::string quoted_part(std::string_view message, int nth)
{
    for (;; --nth) {
        const auto begin = message.find('"');
        const auto end = message.find('"', begin + 1);
        if (begin == std::string_view::npos || end == std::string_view::npos) {
            return {};
        }
        if (nth == 0) {
            return std::string(message.substr(begin + 1, end - begin - 1));
        }
        message.remove_prefix(end + 1);
    }
}

// Constraint names say in words what is expected: jobs_run_at_is_finite becomes "run_at must be finite".
std::string check_in_words(const std::string& message)
{
    const std::string table = quoted_part(message, 0) + "_";
    std::string name = quoted_part(message, 1);
    if (name.starts_with(table)) {
        name.erase(0, table.size());
    }
    constexpr std::string_view is = "_is_";
    const auto at = name.find(is);
    const std::string field = name.substr(0, at);
    std::string rest = at == std::string::npos ? "" : name.substr(at + is.size());
    std::replace(rest.begin(), rest.end(), '_', ' ');
    if (rest.empty()) {
        return name.empty() ? message : "refused by the constraint " + name;
    }
    return field + (rest.starts_with("not served") ? " is " : " must be ") + rest;
}

std::string constraint_in_words(const std::string& state, const std::string& message)
{
    if (quoted_part(message, 0) == "jobs_unique_key") {
        return "unique_key is held by an unfinished job";
    }
    return state == "23514" ? check_in_words(message) : message;
}

ErrorKind kind_of(const std::string& state)
{
    const std::string group = state.substr(0, 2);
    if (state == "JR404") {
        return ErrorKind::not_found;
    }
    if (state == "JR409") {
        return ErrorKind::not_possible;
    }
    // Broken rules, values that do not fit, and what is too large or too deep for the server.
    if (group == "23" || group == "22" || group == "54") {
        return ErrorKind::refused;
    }
    if (state == "3F000" || state == "42P01" || state == "42883" || state == "42703") {
        return ErrorKind::outdated;
    }
    // Shutting down, starting up, no connections left, turned into a standby, timed out.
    if (group == "08" || group == "53" || group == "57" || state == "25006" || state == "55P03") {
        return ErrorKind::unreachable;
    }
    return state == "42501" ? ErrorKind::usage : ErrorKind::internal;
}

[[noreturn]] void throw_sql_error(const pqxx::sql_error& failure)
{
    const ErrorKind kind = kind_of(failure.sqlstate());
    std::string message = first_line(failure.what());
    if (failure.sqlstate().starts_with("23")) {
        message = constraint_in_words(failure.sqlstate(), message);
    } else if (kind == ErrorKind::outdated) {
        message = "the database has no fitting jobrunner schema (" + message + "); run: jobrunner migrate";
    }
    throw Error(kind, message);
}

} // namespace

void rethrow_as_error(bool writes, const std::string& server)
{
    try {
        throw;
    } catch (const Error&) {
        throw;
    } catch (const pqxx::in_doubt_error& failure) {
        throw Error(ErrorKind::in_doubt,
            "the connection to " + server + " broke at commit: " + first_line(failure.what()));
    } catch (const pqxx::broken_connection& failure) {
        throw Error(writes ? ErrorKind::in_doubt : ErrorKind::unreachable,
            "the database " + server + " is not reachable: " + first_line(failure.what()));
    } catch (const pqxx::insufficient_privilege& failure) {
        // libpqxx 6 forgets the state of this one.
        throw Error(ErrorKind::usage, first_line(failure.what()));
    } catch (const pqxx::sql_error& failure) {
        throw_sql_error(failure);
    } catch (const pqxx::failure& failure) {
        throw Error(ErrorKind::internal, "database " + server + ": " + first_line(failure.what()));
    } catch (const pqxx::usage_error& failure) {
        throw Error(ErrorKind::internal, "database " + server + ": " + first_line(failure.what()));
    }
}

bool may_run_again(const std::exception& failure)
{
    return dynamic_cast<const pqxx::serialization_failure*>(&failure) != nullptr ||
        dynamic_cast<const pqxx::deadlock_detected*>(&failure) != nullptr;
}

} // namespace jobrunner::postgres
