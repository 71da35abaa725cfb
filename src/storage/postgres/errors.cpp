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

// Constraint names say in words what is expected: jobs_args_is_an_object.
std::string constraint_in_words(const std::string& message)
{
    const auto end = message.rfind('"');
    const auto begin = end == std::string::npos || end == 0 ? std::string::npos : message.rfind('"', end - 1);
    if (begin == std::string::npos) {
        return message;
    }
    std::string name = message.substr(begin + 1, end - begin - 1);
    if (name == "jobs_unique_key") {
        return "unique_key is held by an unfinished job";
    }
    const auto table_end = name.find('_');
    name.erase(0, table_end == std::string::npos ? 0 : table_end + 1);
    std::replace(name.begin(), name.end(), '_', ' ');
    return "refused: " + name;
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
    if (group == "23" || group == "22") {
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
    if (failure.sqlstate().starts_with("23") && failure.sqlstate() != "23502") {
        message = constraint_in_words(message);
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
        throw Error(ErrorKind::in_doubt, "the connection to " + server + " broke at commit: " + first_line(failure.what()));
    } catch (const pqxx::broken_connection& failure) {
        throw Error(writes ? ErrorKind::in_doubt : ErrorKind::unreachable,
                    "the database " + server + " is not reachable: " + first_line(failure.what()));
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
