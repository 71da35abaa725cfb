#include "config/read_sql.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace jobrunner {
namespace {

// The transaction is the worker's, which ends it with the job's completion; a COPY needs somebody to talk to.
constexpr std::array<std::string_view, 9> words_refused{
    "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "COPY"};

std::string first_word(std::string_view sql)
{
    const auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
    const auto begin =
        std::find_if_not(sql.begin(), sql.end(), [](unsigned char c) { return std::isspace(c) != 0; });
    std::string word(begin, std::find_if_not(begin, sql.end(), is_letter));
    std::ranges::transform(
        word, word.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return word;
}

} // namespace

SqlConfig read_sql(ConfigSection& section)
{
    SqlConfig sql;
    assign(sql.statement, section.text("sql", "one SQL statement"));
    assign(sql.role, section.text("sql_role", "the name of a database role"));
    const auto word = first_word(sql.statement);
    if (std::ranges::find(words_refused, word) != words_refused.end()) {
        section.problem("sql",
            "begins with " + word + "; one statement that leaves the transaction to the worker was expected");
    }
    return sql;
}

} // namespace jobrunner
