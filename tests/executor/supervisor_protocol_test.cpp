#include "executor/supervisor_protocol.hpp"

#include "core/error.hpp"
#include "executor/descriptor.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <random>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

// A source that has received the bytes.
struct Received {
    explicit Received(const std::string& bytes, std::size_t payload_bytes_max = frame_payload_bytes_max)
        : source(payload_bytes_max)
    {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        const Descriptor reading(ends[0]);
        Descriptor writing(ends[1]);
        REQUIRE(::send(writing.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
        writing.reset();
        while (source.receive(reading.get()) == FrameSource::Received::some) {
        }
    }

    FrameSource source;
};

StartCommand some_start()
{
    StartCommand command{.spec = {.key = 7,
                             .argv = {"program", "", "two words"},
                             .environment = {"A=1"},
                             .stdin_data = std::string("\0\n", 2),
                             .directory = "/tmp",
                             .timeout = 5s,
                             .user = "nobody",
                             .umask = 022,
                             .nice = -3}};
    command.spec.limits.memory_bytes = 1 << 30;
    command.credentials = Credentials{1, 2, {3, 4}};
    return command;
}

} // namespace

TEST_CASE("protocol: a command arrives as it was sent")
{
    std::string bytes;
    encode(bytes, some_start());
    encode(bytes, StopCommand{7, true, "cancelled"});
    Received received(bytes);

    const auto first = std::get<StartCommand>(decode_command(*received.source.next()));
    const auto second = std::get<StopCommand>(decode_command(*received.source.next()));

    CHECK(first.spec.argv == some_start().spec.argv);
    CHECK(first.spec.stdin_data == some_start().spec.stdin_data);
    CHECK(first.spec.timeout == 5s);
    CHECK(first.spec.limits.memory_bytes == 1 << 30);
    CHECK_FALSE(first.spec.limits.processes);
    CHECK(first.spec.umask == 022);
    CHECK(first.spec.nice == -3);
    CHECK(first.credentials->groups == std::vector<gid_t>{3, 4});
    CHECK(second.key == 7);
    CHECK(second.at_once);
    CHECK(second.reason == "cancelled");
    CHECK_FALSE(received.source.next());
}

TEST_CASE("protocol: an event arrives as it was sent")
{
    std::string bytes;
    encode(bytes,
        ProcessEnded{.key = 9,
            .end = ProcessEnd::timed_out,
            .signal = 15,
            .cpu = 12ms,
            .output = {{OutputStream::error, "\xff\xfe"}},
            .output_bytes_dropped = 3});
    Received received(bytes);

    const auto ended = std::get<ProcessEnded>(decode_event(*received.source.next()));

    CHECK(ended.key == 9);
    CHECK(ended.end == ProcessEnd::timed_out);
    CHECK(ended.signal == 15);
    CHECK(ended.cpu == 12ms);
    CHECK(ended.output == std::vector<OutputChunk>{{OutputStream::error, "\xff\xfe"}});
    CHECK(ended.output_bytes_dropped == 3);
}

TEST_CASE("protocol: a frame that is not whole yet is none")
{
    std::string bytes;
    encode(bytes, some_start());

    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE(Received(bytes.substr(0, size)).source.next());
}

TEST_CASE("protocol: a frame that claims to be too large is refused before it has come")
{
    std::string bytes;
    encode(bytes, some_start());

    CHECK_THROWS_AS(static_cast<void>(Received(bytes, 10).source.next()), Error);
}

TEST_CASE("protocol: a frame of unknown type, cut short or with something left over is refused")
{
    std::string bytes;
    encode(bytes, some_start());
    const std::string payload = bytes.substr(5);

    CHECK_THROWS_AS(static_cast<void>(decode_command({99, payload})), Error);
    CHECK_THROWS_AS(static_cast<void>(decode_command({1, payload + "x"})), Error);
    for (std::size_t size = 0; size < payload.size(); ++size)
        CHECK_THROWS_AS(static_cast<void>(decode_command({1, payload.substr(0, size)})), Error);
}

TEST_CASE("protocol: damaged frames are refused or read as something, but do no harm")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::string bytes;
    encode(bytes, some_start());
    for (int round = 0; round < 2000; ++round) {
        std::string payload = bytes.substr(5);
        for (int change = 0; change < 3; ++change)
            payload[random() % payload.size()] = static_cast<char>(random());
        try {
            static_cast<void>(decode_command({static_cast<std::uint8_t>(random() % 7), payload}));
        } catch (const Error&) {
        }
    }
}
