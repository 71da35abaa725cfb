#include "cli/commands.hpp"
#include "config/database_url.hpp"

namespace jobrunner {
namespace {

int check_config(Session& session)
{
    const Config& config = session.config();
    if (config.path.empty()) {
        throw Error(ErrorKind::usage,
            "there is no configuration file; --config, $JOBRUNNER_CONFIG, ./jobrunner.toml or "
            "/etc/jobrunner/jobrunner.toml was expected");
    }
    std::vector<std::string> kinds;
    for (const auto& kind : config.kinds) {
        kinds.push_back(kind.policy.kind);
    }
    const std::string database = config.database.empty() ? "" : redact_url(config.database);
    if (session.json()) {
        session.print(JsonObject()
                          .text("file", config.path)
                          .maybe_text("database", database.empty() ? std::nullopt : std::optional(database))
                          .texts("kinds", kinds));
        return exit_done;
    }
    Facts facts;
    facts.add("file", config.path);
    facts.add("database", database.empty() ? "none" : database);
    facts.add("kinds", kinds.empty() ? "none" : "");
    for (const auto& kind : kinds) {
        facts.add("kind", kind);
    }
    facts.print(session.out());
    session.out() << "no problems found\n";
    return exit_done;
}

} // namespace

void add_config_command(CommandTree& tree)
{
    auto& config = tree.add({.name = "config",
                                .about = "Looks at the configuration file.",
                                .examples = "jobrunner config check",
                                .group = "Setting up"},
        {});
    tree.add_below(config,
        {.name = "check",
            .about = "Reads the configuration file and reports everything that is wrong with it.",
            .examples = "jobrunner --config shop.toml config check",
            .group = "Commands"},
        check_config);
}

} // namespace jobrunner
