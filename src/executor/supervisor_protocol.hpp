#pragma once

#include "executor/boot_clock.hpp"
#include "executor/frame_channel.hpp"
#include "executor/process.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace jobrunner {

// What executor and supervisor say to each other. A frame's type is the index in the variant.

// The largest frame: a specification of the largest size and what stands around it.
inline constexpr std::size_t frame_payload_bytes_max = process_spec_bytes_max + std::size_t{1024} * 1024;

// Whom a process runs as.
struct Credentials {
    uid_t user = 0;
    gid_t group = 0;
    std::vector<gid_t> groups;
};

struct SettingsCommand {
    std::chrono::milliseconds live_every{250};
};

struct StartCommand {
    ProcessSpec spec;
    std::optional<Credentials> credentials{};
};

struct StopCommand {
    ProcessKey key = 0;
    bool at_once = false;
    std::string reason;
};

struct KillAllCommand {
    std::string reason;
};

struct ExtendCommand {
    ProcessKey key = 0;
    std::chrono::milliseconds by{0};
};

struct LeaseCommand {
    std::chrono::nanoseconds until{0}; // on BootClock
};

struct InputCommand {
    ProcessKey key = 0;
    std::string bytes{};
    bool closes = false; // nothing comes after it
};

using SupervisorCommand = std::variant<SettingsCommand, StartCommand, StopCommand, KillAllCommand,
    ExtendCommand, LeaseCommand, InputCommand>;

// The first thing a supervisor says: proof that the program at the other end is one.
struct SupervisorHello {
    std::uint32_t version = 0;
};

inline constexpr std::uint32_t supervisor_protocol_version = 2;

using SupervisorEvent = std::variant<SupervisorHello, ProcessStarted, ProcessOutput, ProcessMessage,
    ProcessInputTaken, ProcessEnded>;

// Appends one frame.
void encode(std::string& out, const SupervisorCommand& command);
void encode(std::string& out, const SupervisorEvent& event);

// Throw Error if the frame is malformed.
[[nodiscard]] SupervisorCommand decode_command(const Frame& frame);
[[nodiscard]] SupervisorEvent decode_event(const Frame& frame);

} // namespace jobrunner
