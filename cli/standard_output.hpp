#pragma once

#include <array>
#include <ostream>
#include <streambuf>

namespace jobrunner {

// Writes to a file descriptor. When its reader has gone, output is silently dropped from then on, so that work in
// progress comes to its end; any other failure throws Error{internal} out of a stream whose exceptions() hold badbit.
//
// Requires: SIGPIPE is ignored.
class DescriptorBuffer : public std::streambuf {
public:
    explicit DescriptorBuffer(int descriptor);
    DescriptorBuffer(const DescriptorBuffer&) = delete;
    DescriptorBuffer& operator=(const DescriptorBuffer&) = delete;

    [[nodiscard]] bool reader_gone() const { return reader_gone_; }

protected:
    int_type overflow(int_type character) override;
    int sync() override;

private:
    void write_out();

    int descriptor_;
    bool reader_gone_ = false;
    std::array<char, 8192> buffer_{};
};

// Standard output of the program.
class StandardOutput {
public:
    StandardOutput();

    [[nodiscard]] std::ostream& stream() { return stream_; }
    [[nodiscard]] bool reader_gone() const { return buffer_.reader_gone(); }

private:
    DescriptorBuffer buffer_;
    std::ostream stream_;
};

} // namespace jobrunner
