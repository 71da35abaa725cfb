#include "cli/commands.hpp"
#include "config/listen_address.hpp"
#include "web/access_token.hpp"

namespace jobrunner {
namespace {

struct ServeFlags {
    std::optional<std::string> listen;
    bool new_token = false;
};

// A fresh token, and what to write into the configuration; the token itself is kept nowhere.
int print_new_token(Session& session)
{
    const auto token = new_access_token();
    const auto hash = access_token_hash(token);
    if (session.json()) {
        session.print(JsonObject().text("token", token).text("sha256", hash));
        return exit_done;
    }
    session.out() << token << '\n';
    session.note("give the token to whoever is to come in; it is not kept. Add to the configuration:");
    session.host().err << "[web]\ntokens = [{ name = \"NAME\", sha256 = \"" << hash
                       << "\", scope = \"operate\" }]\n";
    return exit_done;
}

int serve(Session& session, const ServeFlags& flags)
{
    if (flags.new_token) {
        return print_new_token(session);
    }
    ServeOptions options;
    options.web = session.config().web;
    options.database = session.database();
    options.web.listen = flags.listen.value_or(options.web.listen);
    try {
        const auto address = parse_listen_address(options.web.listen);
        if (!address.loopback && options.web.tokens.empty() && options.web.proxy_header.empty()) {
            throw Error(ErrorKind::usage,
                "is an address that other hosts reach, and nobody has to say who they are; web.tokens or "
                "web.proxy_header were expected in the configuration (see jobrunner serve --new-token)");
        }
    } catch (const Error& error) {
        throw Error(error.kind(), "--listen: " + std::string(error.what()));
    }
    options.database.application = "jobrunner serve";
    options.listening = [&session](const std::string& url) { session.note("serving " + url); };
    session.host().set_up_log(session.log_level(), session.log_format());
    return session.host().run_server(options);
}

} // namespace

void add_serve_command(CommandTree& tree)
{
    const auto flags = std::make_shared<ServeFlags>();
    auto& command =
        tree.add({.name = "serve",
                     .about = "Serves the web page, the JSON API and the metrics until it is stopped.",
                     .examples = "jobrunner serve\njobrunner serve --listen 127.0.0.1:9000\n"
                                 "jobrunner serve --new-token",
                     .group = "Operation"},
            [flags](Session& session) { return serve(session, *flags); });
    add_text(command, "--listen", flags->listen,
        "Address and port (default: the configuration's, else 127.0.0.1:8642)", "ADDRESS:PORT");
    command.add_flag("--new-token", flags->new_token, "Print a fresh token and what to configure, and leave");
}

} // namespace jobrunner
