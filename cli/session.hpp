#pragma once

#include "cli/host.hpp"
#include "cli/table.hpp"
#include "client/json_object.hpp"
#include "config/config.hpp"
#include "core/error.hpp"

#include <memory>
#include <optional>
#include <string>

namespace jobrunner {

// What may stand before or after every command.
struct GlobalOptions {
    std::optional<std::string> config;
    std::optional<std::string> database;
    std::optional<std::string> schema;
    std::optional<std::string> log_level;
    std::optional<std::string> log_format;
    bool json = false;
};

// One run of the program: configuration and database are opened when a command first asks for them.
class Session {
public:
    Session(Host& host, GlobalOptions options) : host_(host), options_(std::move(options)) {}

    [[nodiscard]] Host& host() { return host_; }
    [[nodiscard]] std::ostream& out() { return host_.out; }
    [[nodiscard]] const GlobalOptions& options() const { return options_; }
    [[nodiscard]] bool json() const { return options_.json; }

    // The configuration file's contents, or the defaults where there is none. Throws Error{usage}.
    [[nodiscard]] const Config& config();
    [[nodiscard]] DatabaseOptions database();
    [[nodiscard]] Storage& storage();
    [[nodiscard]] Migrator& migrator();
    [[nodiscard]] std::string log_level();
    [[nodiscard]] std::string log_format();

    [[nodiscard]] TimePoint now() const { return host_.now(); }
    // A time for people.
    [[nodiscard]] std::string time(const std::optional<Instant>& instant) const;

    void print(const Table& table) { table.print(host_.out, host_.out_width); }
    void print(const JsonObject& object) { host_.out << object.str() << '\n'; }
    // A line on standard error, which is no error. `text` may hold anything.
    void note(const std::string& text);

private:
    Host& host_;
    GlobalOptions options_;
    std::optional<Config> config_;
    std::shared_ptr<Storage> storage_;
    std::unique_ptr<Migrator> migrator_;
};

// The exit status that stands for a kind of error.
[[nodiscard]] int exit_status(ErrorKind kind);

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_not_found = 3;
inline constexpr int exit_not_possible = 4;
inline constexpr int exit_unreachable = 5;

} // namespace jobrunner
