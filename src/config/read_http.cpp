#include "config/read_http.hpp"

namespace jobrunner {

HttpConfig read_http(ConfigSection& section)
{
    HttpConfig http;
    if (auto request = section.section("http")) {
        assign(http.url, request->text("url", "a URL"));
        assign(http.method, request->choice("method", {"POST", "PUT", "PATCH", "GET", "DELETE"}));
        if (!request->has("url")) {
            request->problem("url", "has no url; a URL was expected");
        }
        request->refuse_unknown();
    }
    section.problem(
        "http", "this version of jobrunner cannot run HTTP kinds yet; a kind with `command` was expected");
    return http;
}

} // namespace jobrunner
