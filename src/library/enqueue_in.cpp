#include "jobrunner/client.hpp"
#include "library/sqlite_statement.hpp"

#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

#include <array>

namespace jobrunner {
namespace {

std::string json_of(const std::vector<std::string>& texts)
{
    try {
        return nlohmann::json(texts).dump();
    } catch (const nlohmann::json::exception& error) {
        throw ClientError(std::string("tags: text in UTF-8 was expected: ") + error.what(), false);
    }
}

std::optional<std::string> text_of(std::optional<std::int64_t> number)
{
    return number ? std::optional(std::to_string(*number)) : std::nullopt;
}

std::optional<std::int64_t> count_of(std::optional<std::chrono::milliseconds> length)
{
    return length ? std::optional<std::int64_t>(length->count()) : std::nullopt;
}

std::optional<double> seconds_of(std::optional<std::chrono::milliseconds> length)
{
    return length ? std::optional(static_cast<double>(length->count()) / 1000.0) : std::nullopt;
}

const char* parameter(const std::optional<std::string>& text)
{
    return text ? text->c_str() : nullptr;
}

} // namespace

std::int64_t enqueue_in(pqxx::transaction_base& transaction, const JobSpec& job, std::string_view schema)
{
    const std::string sql = "SELECT " + transaction.conn().quote_name(std::string(schema)) +
        ".enqueue(kind => $1::text, args => $2::jsonb, queue => $3::text, priority => $4::integer, "
        "run_at => clock_timestamp() + $5::double precision * interval '1 millisecond', "
        "max_attempts => $6::integer, timeout => $7::double precision * interval '1 millisecond', "
        "unique_key => $8::text, tags => ARRAY(SELECT jsonb_array_elements_text($9::jsonb)), "
        "on_conflict => 'skip')";
    const auto priority = text_of(job.priority);
    const auto delay = text_of(count_of(job.delay));
    const auto max_attempts = text_of(job.max_attempts);
    const auto timeout = text_of(count_of(job.timeout));
    return transaction
        .exec_params(sql, job.kind, job.args, parameter(job.queue), parameter(priority), parameter(delay),
            parameter(max_attempts), parameter(timeout), parameter(job.unique_key), json_of(job.tags))[0][0]
        .as<std::int64_t>();
}

std::int64_t enqueue_in(sqlite3* database, const JobSpec& job)
{
    const auto id = SqliteStatement(database,
        "INSERT INTO jobs (kind, args, queue, priority, run_at, max_attempts, timeout, unique_key, tags) "
        "VALUES (?1, ?2, coalesce(?3, 'default'), coalesce(?4, 0), "
        "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', coalesce(?5, 0))), ?6, ?7, ?8, ?9) "
        "ON CONFLICT (unique_key) DO NOTHING RETURNING id")
                        .bind(job.kind)
                        .bind(job.args)
                        .bind(job.queue)
                        .bind(job.priority)
                        .bind(seconds_of(job.delay))
                        .bind(job.max_attempts)
                        .bind(seconds_of(job.timeout))
                        .bind(job.unique_key)
                        .bind(json_of(job.tags))
                        .number();
    if (id) {
        return *id;
    }
    const auto holder =
        SqliteStatement(database, "SELECT id FROM jobs WHERE unique_key = ?1").bind(job.unique_key).number();
    if (!holder) {
        throw ClientError("the job was not added, and no unfinished job holds its unique_key", false);
    }
    return *holder;
}

} // namespace jobrunner
