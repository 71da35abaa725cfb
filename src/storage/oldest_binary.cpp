#include "storage/oldest_binary.hpp"

namespace jobrunner {

std::string oldest_binary(std::string_view migration_sql)
{
    constexpr std::string_view mark = "-- Oldest binary: ";
    const auto at = migration_sql.find(mark);
    if (at == std::string_view::npos) {
        return "0.0.0";
    }
    const auto begin = at + mark.size();
    return std::string(migration_sql.substr(begin, migration_sql.find('\n', begin) - begin));
}

} // namespace jobrunner
