#pragma once

namespace jobrunner::sqlite {

// Whether SQLite of this version number (3.40.1 is 3040001) may write a WAL-mode file from several connections: before
// the repair of the WAL reset (sqlite.org/wal.html#walresetbug) that can damage the file.
[[nodiscard]] constexpr bool is_wal_safe(int version_number)
{
    const int branch = version_number / 1000;
    const int patch = version_number % 1000;
    return version_number >= 3051003 || (branch == 3050 && patch >= 7) || (branch == 3044 && patch >= 6);
}

// The same for the library that this program runs with.
[[nodiscard]] bool is_wal_safe_here();

} // namespace jobrunner::sqlite
