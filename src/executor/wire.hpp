#pragma once

#include "core/error.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace jobrunner {

template <class T>
concept WireNumber = std::is_arithmetic_v<T> || std::is_enum_v<T>;

// Appends fields to a string, in the host's byte order: both ends are the same program on the same host.
class WireWriter {
public:
    template <class T>
    using Field = const T&;

    explicit WireWriter(std::string& out) : out_(out) {}

    template <WireNumber T>
    void operator()(T value)
    {
        char bytes[sizeof(T)];
        std::memcpy(bytes, &value, sizeof(T));
        out_.append(bytes, sizeof(T));
    }

    void operator()(const std::string& text)
    {
        (*this)(static_cast<std::uint32_t>(text.size()));
        out_.append(text);
    }

    template <class Rep, class Period>
    void operator()(std::chrono::duration<Rep, Period> value)
    {
        (*this)(static_cast<std::int64_t>(value.count()));
    }

    template <class T>
    void operator()(const std::optional<T>& value)
    {
        (*this)(value.has_value());
        if (value)
            (*this)(*value);
    }

    template <class T>
    void operator()(const std::vector<T>& values)
    {
        (*this)(static_cast<std::uint32_t>(values.size()));
        for (const T& value : values)
            (*this)(value);
    }

    // Anything else says itself what it consists of.
    template <class T>
    requires std::is_class_v<T>
    void operator()(const T& value) { fields(*this, value); }

private:
    std::string& out_;
};

// Takes fields from bytes that a WireWriter wrote. Throws Error if the bytes do not fit; no field
// allocates more than the bytes that are there.
class WireReader {
public:
    template <class T>
    using Field = T&;

    explicit WireReader(std::string_view bytes) : bytes_(bytes) {}

    template <WireNumber T>
    void operator()(T& value)
    {
        std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    }

    void operator()(bool& value)
    {
        std::uint8_t byte = 0;
        (*this)(byte);
        value = byte != 0;
    }

    void operator()(std::string& text) { text = take(count()); }

    template <class Rep, class Period>
    void operator()(std::chrono::duration<Rep, Period>& value)
    {
        std::int64_t ticks = 0;
        (*this)(ticks);
        value = std::chrono::duration<Rep, Period>(ticks);
    }

    template <class T>
    void operator()(std::optional<T>& value)
    {
        bool present = false;
        (*this)(present);
        if (present)
            (*this)(value.emplace());
    }

    template <class T>
    void operator()(std::vector<T>& values)
    {
        const std::uint32_t size = count();
        values.clear();
        for (std::uint32_t index = 0; index < size; ++index)
            (*this)(values.emplace_back());
    }

    template <class T>
    requires std::is_class_v<T>
    void operator()(T& value) { fields(*this, value); }

    // Requires that nothing is left.
    void finish() const
    {
        if (!bytes_.empty())
            fail();
    }

private:
    [[noreturn]] static void fail() { throw Error(ErrorKind::internal, "supervisor: malformed frame"); }

    std::string_view take(std::size_t size)
    {
        if (size > bytes_.size())
            fail();
        const std::string_view taken = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return taken;
    }

    // An element has one byte at least, so a count beyond the bytes that are left is a lie.
    std::uint32_t count()
    {
        std::uint32_t value = 0;
        (*this)(value);
        if (value > bytes_.size())
            fail();
        return value;
    }

    std::string_view bytes_;
};

} // namespace jobrunner
