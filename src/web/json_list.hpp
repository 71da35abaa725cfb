#pragma once

#include "client/json_object.hpp"

#include <string>

namespace jobrunner {

// Writes a JSON array of objects, element by element.
class JsonList {
public:
    void add(const JsonObject& element) { add_raw(element.str()); }
    // JSON of our own, put in as it is.
    void add_raw(const std::string& element)
    {
        body_ += body_.size() > 1 ? "," : "";
        body_ += element;
    }

    [[nodiscard]] std::string str() const { return body_ + "]"; }

private:
    std::string body_ = "[";
};

} // namespace jobrunner
