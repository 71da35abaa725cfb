#include "worker/worker_log.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace jobrunner {
namespace {

// The message as a JSON string.
class QuotedMessage final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& into) override
    {
        const std::string quoted = json_quote(scrub_text({message.payload.data(), message.payload.size()}));
        into.append(quoted.data(), quoted.data() + quoted.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override
    {
        return std::make_unique<QuotedMessage>();
    }
};

} // namespace

void set_up_log(const std::string& level, const std::string& format)
{
    const auto number = spdlog::level::from_str(level);
    if (number == spdlog::level::off && level != "off") {
        throw Error(ErrorKind::usage,
            "log level \"" + level + "\" is unknown; trace, debug, info, warn, error or off was expected");
    }
    if (format != "text" && format != "json") {
        throw Error(ErrorKind::usage, "log format \"" + format + "\" is unknown; text or json was expected");
    }
    auto logger =
        std::make_shared<spdlog::logger>("jobrunner", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    if (format == "json") {
        auto lines = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
        lines->add_flag<QuotedMessage>('*').set_pattern(
            R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","pid":%P,"message":%*})");
        logger->set_formatter(std::move(lines));
    } else {
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v", spdlog::pattern_time_type::utc);
    }
    logger->set_level(number);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

std::string log_value(std::string_view value)
{
    const std::string text = scrub_text(value.substr(0, 300));
    const bool plain = !text.empty() && text.find_first_of(" \t\n\r\"\\=") == std::string::npos;
    return plain ? text : json_quote(text);
}

} // namespace jobrunner
