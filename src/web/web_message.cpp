#include "web/web_message.hpp"

#include "client/json_object.hpp"

namespace jobrunner {

std::optional<std::string> header_of(const WebRequest& request, std::string_view lower_name)
{
    const auto [first, last] = request.headers.equal_range(std::string(lower_name));
    if (first == last || std::next(first) != last) {
        return std::nullopt;
    }
    return first->second;
}

WebAnswer problem_answer(int status, std::string_view message)
{
    return {.status = status, .body = JsonObject().text("error", message).str()};
}

WebAnswer token_expected()
{
    auto answer = problem_answer(401, "a token was expected, or the one that was sent is not known");
    answer.headers.emplace_back("WWW-Authenticate", "Bearer");
    return answer;
}

std::string_view to_string(WebScope scope)
{
    switch (scope) {
    case WebScope::read:
        return "read";
    case WebScope::operate:
        return "operate";
    case WebScope::admin:
        return "admin";
    }
    return {};
}

} // namespace jobrunner
