#include "cli/standard_output.hpp"

#include "core/error.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace jobrunner {

DescriptorBuffer::DescriptorBuffer(int descriptor) : descriptor_(descriptor)
{
    setp(buffer_.data(), buffer_.data() + buffer_.size());
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type character)
{
    write_out();
    if (!traits_type::eq_int_type(character, traits_type::eof())) {
        *pptr() = traits_type::to_char_type(character);
        pbump(1);
    }
    return traits_type::not_eof(character);
}

int DescriptorBuffer::sync()
{
    write_out();
    return 0;
}

void DescriptorBuffer::write_out()
{
    const char* at = pbase();
    const char* const end = pptr();
    setp(buffer_.data(), buffer_.data() + buffer_.size());
    while (at < end && !reader_gone_) {
        const auto written = ::write(descriptor_, at, static_cast<std::size_t>(end - at));
        if (written >= 0) {
            at += written;
        } else if (errno == EPIPE) {
            reader_gone_ = true;
        } else if (errno != EINTR) {
            throw Error(ErrorKind::internal,
                "standard output: cannot be written to: " + std::generic_category().message(errno));
        }
    }
}

StandardOutput::StandardOutput() : buffer_(STDOUT_FILENO), stream_(&buffer_)
{
    stream_.exceptions(std::ios::badbit);
}

} // namespace jobrunner
