#pragma once

#include "web/web_message.hpp"

#include <optional>
#include <string>

namespace jobrunner {

inline constexpr std::string_view session_cookie = "jobrunner_token";

// Who may ask what, as the configuration says.
//
// Against pages that an operator has open elsewhere: the name by which the server is called must be one of its own
// (DNS rebinding), what changes something must come from the server's own page or from no page at all (forged
// requests), and no foreign page may hold a connection.
//
// Immutable: any thread.
class Access {
public:
    explicit Access(const WebConfig& config);

    // What speaks against the request before anybody asks who sent it.
    [[nodiscard]] std::optional<WebAnswer> refusal(const WebRequest& request) const;
    // Nothing: they have not said who they are, or what they said is wrong.
    [[nodiscard]] std::optional<Visitor> visitor(const WebRequest& request) const;
    // The visitor that a token stands for.
    [[nodiscard]] std::optional<Visitor> visitor_with(std::string_view token) const;
    [[nodiscard]] bool has_tokens() const { return !config_.tokens.empty(); }

private:
    [[nodiscard]] bool knows_host(std::string_view host) const;
    [[nodiscard]] bool is_own_origin(const WebRequest& request, const std::string& origin) const;
    [[nodiscard]] std::optional<Visitor> visitor_by_proxy(const WebRequest& request) const;

    WebConfig config_;
};

// The value of that cookie, or nothing.
[[nodiscard]] std::optional<std::string> cookie_of(const WebRequest& request, std::string_view name);

} // namespace jobrunner
