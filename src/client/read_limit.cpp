#include "client/read_limit.hpp"

#include "client/check_job.hpp"
#include "client/read_number.hpp"
#include "core/duration.hpp"
#include "core/error.hpp"

namespace jobrunner {
namespace {

constexpr std::size_t key_bytes_max = 512;

} // namespace

LimitScope read_limit_scope(std::string_view word, std::string_view field)
{
    if (const auto scope = parse_limit_scope(word)) {
        return *scope;
    }
    throw Error(ErrorKind::usage,
        std::string(field) + ": \"" + std::string(word) + "\" is not one of queue, kind and key");
}

void check_limit_name(const Limit& limit, std::string_view field)
{
    if (limit.scope != LimitScope::key) {
        check_name(limit.name, field);
    } else if (limit.name.empty() || limit.name.size() > key_bytes_max) {
        throw Error(ErrorKind::usage, std::string(field) + ": a key of 1 to 512 bytes was expected");
    }
}

void read_rate(std::string_view text, std::string_view field, Limit& limit)
{
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        throw Error(ErrorKind::usage,
            std::string(field) + ": \"" + std::string(text) + "\" is no rate such as 100/1m");
    }
    limit.starts = read_int(std::string(text.substr(0, slash)), field, {1, limit_count_max});
    const auto period = parse_duration(text.substr(slash + 1));
    check_limit_period(period, field);
    limit.period = period;
}

void check_limit_period(Milliseconds period, std::string_view field)
{
    if (period < Milliseconds{1} || period > std::chrono::hours(24 * 31)) {
        throw Error(ErrorKind::usage,
            std::string(field) + ": " + format_duration(period) + "; a period of 1ms to 31d was expected");
    }
}

} // namespace jobrunner
