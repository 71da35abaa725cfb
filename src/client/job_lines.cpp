#include "client/job_lines.hpp"

#include "client/check_job.hpp"
#include "client/read_number.hpp"
#include "client/time_text.hpp"
#include "core/error.hpp"
#include "core/json_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace jobrunner {
namespace {

[[noreturn]] void refuse(std::string_view name, const char* expected)
{
    throw Error(ErrorKind::usage, std::string(name) + ": " + expected + " was expected");
}

std::string text_of(const JsonMember& member)
{
    if (json_type(member.value) != JsonType::string) {
        refuse(member.name, "a string");
    }
    return json_string(member.value);
}

int int_of(const JsonMember& member)
{
    return read_int(
        member.value, member.name, {std::numeric_limits<int>::min(), std::numeric_limits<int>::max()});
}

std::string object_of(const JsonMember& member)
{
    if (json_type(member.value) != JsonType::object) {
        refuse(member.name, "an object");
    }
    return std::string(member.value);
}

// "30s", or a number of seconds.
Milliseconds length_of(const JsonMember& member)
{
    if (json_type(member.value) == JsonType::string) {
        return read_length(json_string(member.value), member.name);
    }
    constexpr double seconds_max = 100.0 * 366 * 86'400;
    double seconds = -1;
    std::from_chars(member.value.data(), member.value.data() + member.value.size(), seconds);
    if (json_type(member.value) != JsonType::number || !(seconds >= 0 && seconds <= seconds_max)) {
        refuse(member.name, "a length of time such as \"30s\", or a number of seconds,");
    }
    return Milliseconds(std::llround(seconds * 1000));
}

std::vector<std::string_view> elements_of(const JsonMember& member)
{
    if (json_type(member.value) != JsonType::array) {
        refuse(member.name, "an array");
    }
    return json_elements(member.value);
}

std::vector<std::string> texts_of(const JsonMember& member)
{
    std::vector<std::string> texts;
    for (const auto element : elements_of(member)) {
        texts.push_back(text_of({member.name, element}));
    }
    return texts;
}

std::vector<JobId> ids_of(const JsonMember& member)
{
    std::vector<JobId> ids;
    for (const auto element : elements_of(member)) {
        ids.push_back(read_job_id(element, member.name));
    }
    return ids;
}

void set_run_at(NewJob& job, const JsonMember& member)
{
    job.run_at = read_instant(text_of(member), member.name);
    job.run_in.reset();
}

void set_run_in(NewJob& job, const JsonMember& member)
{
    job.run_in = length_of(member);
    job.run_at.reset();
}

struct Column {
    std::string_view name;
    void (*set)(NewJob&, const JsonMember&);
};

constexpr std::array<Column, 22> columns{{
    {"kind", [](NewJob& job, const JsonMember& m) { job.kind = text_of(m); }},
    {"args", [](NewJob& job, const JsonMember& m) { job.args = object_of(m); }},
    {"queue", [](NewJob& job, const JsonMember& m) { job.queue = text_of(m); }},
    {"priority", [](NewJob& job, const JsonMember& m) { job.priority = int_of(m); }},
    {"run_at", set_run_at},
    {"run_in", set_run_in},
    {"max_attempts", [](NewJob& job, const JsonMember& m) { job.max_attempts = int_of(m); }},
    {"timeout", [](NewJob& job, const JsonMember& m) { job.timeout = length_of(m); }},
    {"expires_at",
        [](NewJob& job, const JsonMember& m) { job.expires_at = read_instant(text_of(m), m.name); }},
    {"unique_key", [](NewJob& job, const JsonMember& m) { job.unique_key = text_of(m); }},
    {"concurrency_key", [](NewJob& job, const JsonMember& m) { job.concurrency_key = text_of(m); }},
    {"cost", [](NewJob& job, const JsonMember& m) { job.cost = int_of(m); }},
    {"serial_key", [](NewJob& job, const JsonMember& m) { job.serial_key = text_of(m); }},
    {"fair_key", [](NewJob& job, const JsonMember& m) { job.fair_key = text_of(m); }},
    {"requires", [](NewJob& job, const JsonMember& m) { job.requires_labels = texts_of(m); }},
    {"affinity_key", [](NewJob& job, const JsonMember& m) { job.affinity_key = text_of(m); }},
    {"depends_on", [](NewJob& job, const JsonMember& m) { job.depends_on = ids_of(m); }},
    {"on_dependency_failure",
        [](NewJob& job, const JsonMember& m) { job.on_dependency_failure = text_of(m); }},
    {"batch_id", [](NewJob& job, const JsonMember& m) { job.batch_id = read_job_id(m.value, m.name); }},
    {"tags", [](NewJob& job, const JsonMember& m) { job.tags = texts_of(m); }},
    {"meta", [](NewJob& job, const JsonMember& m) { job.meta = object_of(m); }},
    {"traceparent", [](NewJob& job, const JsonMember& m) { job.traceparent = text_of(m); }},
}};

void set_column(NewJob& job, const JsonMember& member)
{
    for (const auto& column : columns) {
        if (column.name == member.name) {
            column.set(job, member);
            return;
        }
    }
    throw Error(
        ErrorKind::usage, "\"" + member.name + "\" is no column of a job that an application may set");
}

bool is_blank(std::string_view line)
{
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

} // namespace

NewJob parse_job_line(std::string_view line, const NewJob& defaults)
{
    check_json_object(line, "the line");
    NewJob job = defaults;
    for (const auto& member : json_members(line)) {
        if (json_type(member.value) != JsonType::null) {
            set_column(job, member);
        }
    }
    check_new_job(job);
    return job;
}

std::vector<JobLine> read_job_lines(std::istream& in, std::string_view name, const NewJob& defaults)
{
    std::vector<JobLine> lines;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        try {
            if (line.size() > job_line_bytes_max || lines.size() == job_lines_max) {
                throw Error(ErrorKind::usage,
                    "at most 1000000 jobs of at most 8 MiB each were expected; split the file");
            }
            if (!is_blank(line)) {
                lines.push_back({number, parse_job_line(line, defaults)});
            }
        } catch (const Error& error) {
            throw Error(error.kind(), std::string(name) + ":" + std::to_string(number) + ": " + error.what());
        }
    }
    if (in.bad()) {
        throw Error(ErrorKind::usage, std::string(name) + ": cannot be read to its end");
    }
    return lines;
}

} // namespace jobrunner
