#include "client/check_job.hpp"

#include "core/characters.hpp"
#include "core/error.hpp"
#include "core/json_text.hpp"

#include <algorithm>
#include <chrono>

namespace jobrunner {
namespace {

constexpr std::size_t args_bytes_max = 1024 * 1024;
constexpr std::size_t meta_bytes_max = 64 * 1024;

[[noreturn]] void refuse(std::string_view field, const std::string& what)
{
    throw Error(ErrorKind::usage, std::string(field) + ": " + what);
}

void check_number(const std::optional<int>& value, std::string_view field, int least, int most)
{
    if (value && (*value < least || *value > most)) {
        refuse(field,
            "is " + std::to_string(*value) + "; " + std::to_string(least) + " to " + std::to_string(most) +
                " was expected");
    }
}

// Text that both databases keep as it is.
void check_text(std::string_view text, std::string_view field)
{
    while (!text.empty()) {
        const auto character = first_character(text);
        if (!character || character->code == 0) {
            refuse(field, "is no UTF-8 text, or holds a NUL character");
        }
        text.remove_prefix(character->length);
    }
}

void check_key(const std::optional<std::string>& key, std::string_view field, std::size_t bytes_max)
{
    if (!key) {
        return;
    }
    check_text(*key, field);
    if (key->empty() || key->size() > bytes_max) {
        refuse(field,
            "has " + std::to_string(key->size()) + " bytes; 1 to " + std::to_string(bytes_max) +
                " were expected");
    }
}

void check_json_column(const std::string& json, std::string_view field, std::size_t bytes_max)
{
    check_json_object(json, field);
    // Text may shrink on its way into a database, hardly to less than half.
    if (json.size() > bytes_max * 2) {
        refuse(field,
            "has " + std::to_string(json.size()) + " bytes; at most " + std::to_string(bytes_max) +
                " were expected");
    }
}

void check_times(const NewJob& job)
{
    constexpr Milliseconds longest = std::chrono::days{30};
    if (job.timeout && (*job.timeout <= Milliseconds{0} || *job.timeout > longest)) {
        refuse("timeout", "is " + format_duration(*job.timeout) + "; over 0s and at most 30d was expected");
    }
    if (job.run_at && job.run_in) {
        refuse("run_at", "is given twice, as a time and as a length of time; one of them was expected");
    }
}

void check_dependencies(const NewJob& job)
{
    constexpr std::size_t dependencies_max = 10'000;
    if (job.depends_on.size() > dependencies_max) {
        refuse("depends_on",
            "has " + std::to_string(job.depends_on.size()) + " jobs; at most 10000 were expected");
    }
    const auto& on_failure = job.on_dependency_failure;
    if (on_failure && *on_failure != "cancel" && *on_failure != "run" && *on_failure != "block") {
        refuse("on_dependency_failure", "is \"" + *on_failure + "\"; cancel, run or block was expected");
    }
}

void check_lists(const NewJob& job)
{
    for (const auto& label : job.requires_labels) {
        check_name(label, "requires");
    }
    for (const auto& tag : job.tags) {
        check_name(tag, "tags");
    }
}

} // namespace

void check_name(std::string_view text, std::string_view field)
{
    constexpr int characters_max = 128;
    int characters = 0;
    for (auto rest = text; !rest.empty(); ++characters) {
        const auto character = first_character(rest);
        const bool printable =
            character && character->code >= 0x20 && (character->code < 0x7F || character->code > 0x9F);
        if (!printable) {
            refuse(field,
                "holds a character that cannot be printed; 1 to 128 printable characters were expected");
        }
        rest.remove_prefix(character->length);
    }
    if (characters < 1 || characters > characters_max) {
        refuse(field, "has " + std::to_string(characters) + " characters; 1 to 128 were expected");
    }
}

void check_new_job(const NewJob& job)
{
    check_name(job.kind, "kind");
    if (job.queue) {
        check_name(*job.queue, "queue");
    }
    check_json_column(job.args, "args", args_bytes_max);
    if (job.meta) {
        check_json_column(*job.meta, "meta", meta_bytes_max);
    }
    check_number(job.priority, "priority", -32'768, 32'767);
    check_number(job.max_attempts, "max_attempts", 1, 10'000);
    check_number(job.cost, "cost", 1, 1'000'000);
    check_key(job.unique_key, "unique_key", 1024);
    check_key(job.concurrency_key, "concurrency_key", 512);
    check_key(job.serial_key, "serial_key", 512);
    check_key(job.fair_key, "fair_key", 512);
    check_key(job.affinity_key, "affinity_key", 512);
    check_key(job.traceparent, "traceparent", 128);
    check_times(job);
    check_dependencies(job);
    check_lists(job);
}

} // namespace jobrunner
