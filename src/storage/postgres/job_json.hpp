#pragma once

#include "storage/storage.hpp"

#include <span>
#include <string>

namespace jobrunner::postgres {

// Builds one JSON object member by member, as the functions of the schema take their arguments. Values that are JSON
// themselves go in as they are written.
class JsonObject {
public:
    JsonObject& text(std::string_view name, std::string_view value);
    JsonObject& raw(std::string_view name, std::string_view json);
    // The same for text that others wrote: throws Error{refused} where it is no JSON, so that it cannot add members.
    JsonObject& json(std::string_view name, std::string_view value);
    JsonObject& number(std::string_view name, std::int64_t value) { return raw(name, std::to_string(value)); }
    JsonObject& texts(std::string_view name, const std::vector<std::string>& values);

    template <typename Value>
    JsonObject& maybe_number(std::string_view name, const std::optional<Value>& value)
    {
        return value ? number(name, static_cast<std::int64_t>(*value)) : *this;
    }
    JsonObject& maybe_text(std::string_view name, const std::optional<std::string>& value)
    {
        return value ? text(name, *value) : *this;
    }
    // Left out when empty.
    JsonObject& some_text(std::string_view name, std::string_view value)
    {
        return value.empty() ? *this : text(name, value);
    }

    [[nodiscard]] std::string str() const { return body_ + "}"; }

private:
    void name(std::string_view name);

    std::string body_ = "{";
};

// "[a,b,c]" of what `one` makes of each element.
template <typename Elements, typename One>
std::string json_array(const Elements& elements, One one)
{
    std::string array = "[";
    for (const auto& element : elements) {
        array += (array.size() > 1 ? "," : "") + one(element);
    }
    return array + "]";
}

// A length of time as PostgreSQL's interval reads it.
[[nodiscard]] std::string interval_text(Milliseconds length);

// As enqueue_many() takes a job.
[[nodiscard]] std::string to_json(const NewJob& job);
// As requeue_jobs() and finish_jobs() take a claim's end.
[[nodiscard]] std::string to_json(const Settlement& settlement);
[[nodiscard]] std::string to_json(const LiveOutput& output);
[[nodiscard]] std::string to_json(const Progress& progress);

} // namespace jobrunner::postgres
