#include "storage/sql_session.hpp"

namespace jobrunner {
namespace {

template <typename Part>
std::string joined(const SqlAttempt& attempt, Part part)
{
    std::string text;
    for (const auto& job : attempt.jobs) {
        text += text.empty() ? "" : ",";
        text += part(job);
    }
    return text;
}

} // namespace

std::string sql_args(const SqlAttempt& attempt)
{
    const auto args = joined(attempt, [](const SqlAttempt::Job& job) { return job.args; });
    return attempt.is_chunk ? "[" + args + "]" : args;
}

std::string sql_ids(const SqlAttempt& attempt)
{
    return joined(attempt, [](const SqlAttempt::Job& job) { return std::to_string(job.token.job); });
}

} // namespace jobrunner
