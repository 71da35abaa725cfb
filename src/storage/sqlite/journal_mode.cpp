#include "storage/sqlite/journal_mode.hpp"

#include <sqlite3.h>

namespace jobrunner::sqlite {

bool is_wal_safe_here()
{
    return is_wal_safe(sqlite3_libversion_number());
}

} // namespace jobrunner::sqlite
