#include "web/redaction.hpp"

#include "client/json_object.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

constexpr int depth_max = 40;
constexpr std::string_view hidden = R"("***")";

// Whether the pattern, in which * stands for anything, is the whole text.
bool matches(std::string_view pattern, std::string_view text)
{
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

} // namespace

bool Redaction::hides(std::string_view name) const
{
    const auto lower = lower_ascii(name);
    return std::ranges::any_of(
        patterns_, [&](const std::string& pattern) { return matches(pattern, lower); });
}

std::string Redaction::value(std::string_view json, int depth) const
{
    const auto type = json_type(json);
    if (type != JsonType::object && type != JsonType::array) {
        return std::string(json);
    }
    if (depth > depth_max) {
        return std::string(hidden);
    }
    std::string out;
    if (type == JsonType::array) {
        for (const auto element : json_elements(json)) {
            out += (out.empty() ? "" : ",") + value(element, depth + 1);
        }
        return "[" + out + "]";
    }
    for (const auto& member : json_members(json)) {
        out += (out.empty() ? "" : ",") + json_shown_string(member.name) + ":" +
            (hides(member.name) ? std::string(hidden) : value(member.value, depth + 1));
    }
    return "{" + out + "}";
}

std::string Redaction::applied(std::string_view json) const
{
    if (patterns_.empty()) {
        return std::string(json);
    }
    return is_storable_json(json) ? value(json, 0) : std::string(hidden);
}

void Redaction::apply(JobRow& job) const
{
    job.args = applied(job.args);
    job.meta = applied(job.meta);
    if (job.result) {
        job.result = applied(*job.result);
    }
}

} // namespace jobrunner
