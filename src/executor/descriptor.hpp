#pragma once

#include <unistd.h>

#include <utility>

namespace jobrunner {

// Owns one open file descriptor, or none.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int value) noexcept : value_(value) {}
    ~Descriptor() { reset(); }

    Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        reset(std::exchange(other.value_, -1));
        return *this;
    }

    [[nodiscard]] int get() const noexcept { return value_; }
    explicit operator bool() const noexcept { return value_ >= 0; }

    void reset(int value = -1) noexcept
    {
        if (const int old = std::exchange(value_, value); old >= 0)
            ::close(old);
    }

private:
    int value_ = -1;
};

} // namespace jobrunner
