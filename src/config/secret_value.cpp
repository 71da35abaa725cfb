#include "config/secret_value.hpp"

#include "config/file_text.hpp"
#include "core/error.hpp"

#include <cstdlib>

namespace jobrunner {

std::string secret_value(const Config& config, const std::string& name)
{
    const auto source = config.secrets.find(name);
    if (source == config.secrets.end()) {
        throw Error(ErrorKind::usage, "the secret " + name + " is not declared in [secrets]");
    }
    std::string value;
    std::string place = source->second.file;
    if (!place.empty()) {
        try {
            value = read_file_text(place).text;
        } catch (const Error& error) {
            throw Error(ErrorKind::usage, "the secret " + name + ": " + error.what());
        }
    } else {
        place = "$" + source->second.environment;
        const char* found = std::getenv(source->second.environment.c_str());
        value = found == nullptr ? "" : found;
    }
    if (value.ends_with('\n')) {
        value.pop_back();
    }
    if (value.ends_with('\r')) {
        value.pop_back();
    }
    if (value.empty()) {
        throw Error(ErrorKind::usage, "the secret " + name + " is empty or missing in " + place);
    }
    return value;
}

} // namespace jobrunner
