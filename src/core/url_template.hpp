#pragma once

#include "core/args_template.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

struct FilledUrl {
    std::string url;
    std::string host; // lower case, without the brackets of an IPv6 address
};

// An http or https URL with places for values of a job, which can change neither scheme nor port nor user.
//
// In path and query a value is percent-escaped, slashes included, and in the path it is neither empty nor makes a
// segment "." or "..". In the host it stands for letters, digits, hyphens and dots only; whoever allows that
// checks the host that comes out.
class UrlTemplate {
public:
    // Throws Error{usage} that says what is wrong and what was expected.
    [[nodiscard]] static UrlTemplate parse(std::string_view text);

    // Throws Error{refused} that names the placeholder whose value does not fit.
    [[nodiscard]] FilledUrl fill(
        const ArgsView& args, const TemplateJob& job, const TemplateValues& values = {}) const;

    // The host, lower case, or empty where it has a placeholder.
    [[nodiscard]] const std::string& literal_host() const noexcept { return literal_host_; }
    [[nodiscard]] std::vector<std::string> secrets() const;

private:
    UrlTemplate(ArgsTemplate host, ArgsTemplate path, ArgsTemplate query)
        : host_(std::move(host)), path_(std::move(path)), query_(std::move(query))
    {
    }

    std::string scheme_; // with ://
    std::string port_;   // with its colon, or empty
    ArgsTemplate host_;
    ArgsTemplate path_;
    ArgsTemplate query_; // with its ?, or empty
    std::string literal_host_;
};

// Everything but letters, digits and -._~ as %XX.
[[nodiscard]] std::string percent_escape(std::string_view text);

// Whether a host, in lower case, fits one of: a name, "*.example.com" for every name below it, "*" for all.
[[nodiscard]] bool host_matches(const std::vector<std::string>& patterns, std::string_view host);

// Whether it is a host's name, an IPv4 address or (without brackets) an IPv6 address.
[[nodiscard]] bool is_host(std::string_view host);

} // namespace jobrunner
