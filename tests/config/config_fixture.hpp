#pragma once

#include "config/config.hpp"
#include "core/error.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace jobrunner::tests {

// A directory of its own for a test case, and configuration files in it.
class ConfigFixture {
public:
    ConfigFixture()
    {
        auto name = (std::filesystem::temp_directory_path() / "jobrunner-config-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("no temporary directory");
        }
        directory = name;
    }
    ConfigFixture(const ConfigFixture&) = delete;
    ConfigFixture& operator=(const ConfigFixture&) = delete;
    ~ConfigFixture() { std::filesystem::remove_all(directory); }

    std::filesystem::path write(const std::string& text, const std::string& name = "jobrunner.toml") const
    {
        const auto file = directory / name;
        std::ofstream(file) << text;
        std::filesystem::permissions(file, std::filesystem::perms(0644));
        return file;
    }

    Config load(const std::string& text) const { return load_config(write(text)); }

    // What load_config says of `text`, with the name of the file's directory taken off each line.
    std::string refusal(const std::string& text) const
    {
        try {
            (void)load(text);
        } catch (const Error& error) {
            return error.kind() == ErrorKind::usage ? shortened(error.what()) : "not a usage error";
        }
        return "";
    }

    std::string shortened(std::string message) const
    {
        const auto prefix = directory.string() + "/";
        for (auto at = message.find(prefix); at != std::string::npos; at = message.find(prefix, at)) {
            message.erase(at, prefix.size());
        }
        return message;
    }

    std::filesystem::path directory;
};

} // namespace jobrunner::tests
