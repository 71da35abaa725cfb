#!/bin/bash
# The embedding of SQL: hostile text arrives byte for byte, and mistakes are refused.
set -euo pipefail

cmake_folder="$JOBRUNNER_SOURCE_DIR/cmake"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

embed_queries() {
    cmake -D INPUT="$1" -D OUTPUT="$folder/storage/queries.hpp" -D NAMESPACE=nasty::queries \
        -P "$cmake_folder/embed_queries_script.cmake"
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

refuses() {
    printf '%b' "$1" > wrong.sql
    if embed_queries wrong.sql > refusal.txt 2>&1; then
        fail "accepted: $1"
    fi
    grep -q -- "$2" refusal.txt || fail "'$2' not in the message: $(cat refusal.txt)"
}

cat > expected_nasty.txt << 'SQL'
SELECT '{a;b}'::text[], arr[1], x[i], ']]', "q;uo""ted", E'\\n\;\t', $1, ${HOME}, @VAR@, $ENV{PATH},
    -- an inner comment; stays
    '#hash', '(', ')"', '%s', 'ünï©ode 😀', '<a>', '\', ';;', '[[', '[=[', ']=]', jsonb '{"a": [1, 2]}'
WHERE a @> '{}' AND b ~ '^\s*$';
SQL
{
    printf -- '-- A file of queries.\n\n-- name: nasty\n-- What it does; and more [of it].\n\n'
    cat expected_nasty.txt
    printf '\n-- A heading of what follows.\n\n-- name: second_2\nSELECT 1\n\n-- name: last\nSELECT 2'
} > queries.sql
embed_queries queries.sql

mkdir -p migrations/postgres migrations/sqlite
{
    cat expected_nasty.txt
    for ((line = 0; line < 3000; line++)); do
        # shellcheck disable=SC2016
        printf 'INSERT INTO big VALUES (%d, E'"'"'\\;[$x]'"'"'); -- ü %d\n' "$line" "$line"
    done
} > migrations/postgres/0008_big.sql
printf -- '-- Locks nothing.\nSELECT 1;\n' > migrations/postgres/0010_small.sql
printf 'SELECT 2;\n' > migrations/sqlite/0008_big.sql
cmake -D MIGRATIONS="$folder/migrations" -D OUTPUT="$folder/storage/migrations_data" \
    -P "$cmake_folder/embed_migrations_script.cmake"

cat > main.cpp << 'CPP'
#include "storage/migrations_data.hpp"
#include "storage/queries.hpp"

#include <iostream>

int main()
{
    static_assert(nasty::queries::all.size() == 3);
    static_assert(nasty::queries::all[1].name == "second_2");
    static_assert(nasty::queries::second_2 == "SELECT 1");
    static_assert(nasty::queries::last == "SELECT 2");
    const auto migrations = jobrunner::postgres_migrations();
    if (migrations.size() != 2 || migrations[0].number != 8 || migrations[0].name != "big" ||
        migrations[1].number != 10 || jobrunner::sqlite_migrations()[0].sql != "SELECT 2;\n")
        return 1;
    std::cout << nasty::queries::nasty << '\n' << migrations[0].sql;
}
CPP
"${CXX:-c++}" -std=c++20 -Wall -Wextra -Wpedantic -Werror -I . main.cpp storage/migrations_data.cpp -o main
./main > actual.txt || fail "numbers, names or texts of the migrations differ"
cat expected_nasty.txt migrations/postgres/0008_big.sql | cmp - actual.txt || fail "the text differs"

refuses '-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n' 'used twice'
refuses '-- name: one\n-- only a comment\n' 'no SQL'
refuses '-- name: One\nSELECT 1;\n' 'lower-case'
refuses 'SELECT 1;\n-- name: one\nSELECT 1;\n' 'before the first line'
refuses "-- name: one\nSELECT ')jr_sql\"';\n" 'end mark'
mv migrations/sqlite/0008_big.sql migrations/sqlite/eight.sql
if cmake -D MIGRATIONS="$folder/migrations" -D OUTPUT="$folder/storage/m" \
    -P "$cmake_folder/embed_migrations_script.cmake" > refusal.txt 2>&1; then
    fail "accepted a migration named eight.sql"
fi
echo "passed"
