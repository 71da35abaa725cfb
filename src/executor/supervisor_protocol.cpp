#include "executor/supervisor_protocol.hpp"

#include "executor/wire.hpp"

#include <array>
#include <utility>

namespace jobrunner {

// One list of fields for each type, for writing and reading alike. Not in an unnamed namespace, where
// argument-dependent lookup would not find them.

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<ProcessLimits> limits)
{
    wire(limits.memory_bytes);
    wire(limits.cpu_seconds);
    wire(limits.open_files);
    wire(limits.processes);
    wire(limits.file_size_bytes);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<ProcessSpec> spec)
{
    wire(spec.key);
    wire(spec.argv);
    wire(spec.environment);
    wire(spec.stdin_data);
    wire(spec.interactive);
    wire(spec.directory);
    wire(spec.timeout);
    wire(spec.grace);
    wire(spec.output_bytes_max);
    wire(spec.live_after);
    wire(spec.limits);
    wire(spec.user);
    wire(spec.umask);
    wire(spec.nice);
    wire(spec.no_new_privileges);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<Credentials> credentials)
{
    wire(credentials.user);
    wire(credentials.group);
    wire(credentials.groups);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<SettingsCommand> command)
{
    wire(command.live_every);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<StartCommand> command)
{
    wire(command.spec);
    wire(command.credentials);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<StopCommand> command)
{
    wire(command.key);
    wire(command.at_once);
    wire(command.reason);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<KillAllCommand> command)
{
    wire(command.reason);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<ExtendCommand> command)
{
    wire(command.key);
    wire(command.by);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<LeaseCommand> command)
{
    wire(command.until);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<InputCommand> command)
{
    wire(command.key);
    wire(command.bytes);
    wire(command.closes);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<ProcessInputTaken> taken)
{
    wire(taken.key);
    wire(taken.bytes);
    wire(taken.closed);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<SupervisorHello> hello)
{
    wire(hello.version);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<OutputChunk> chunk)
{
    wire(chunk.stream);
    wire(chunk.bytes);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<ProcessStarted> started)
{
    wire(started.key);
    wire(started.pid);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<ProcessOutput> output)
{
    wire(output.key);
    wire(output.chunks);
    wire(output.bytes_dropped);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<ProcessMessage> message)
{
    wire(message.key);
    wire(message.line);
    wire(message.too_long);
}

template <class Wire>
static void fields(Wire& wire, typename Wire::template Field<ProcessEnded> ended)
{
    wire(ended.key);
    wire(ended.end);
    wire(ended.exit_code);
    wire(ended.signal);
    wire(ended.core_dumped);
    wire(ended.error_number);
    wire(ended.error);
    wire(ended.cpu);
    wire(ended.wall);
    wire(ended.max_rss_bytes);
    wire(ended.blocks_in);
    wire(ended.blocks_out);
    wire(ended.output);
    wire(ended.output_bytes_dropped);
}

namespace {

template <class Variant>
void encode_variant(std::string& out, const Variant& value)
{
    const FrameStart frame(out, static_cast<std::uint8_t>(value.index()));
    WireWriter writer(out);
    std::visit(writer, value);
}

template <class Variant, std::size_t Index>
Variant decode_alternative(std::string_view payload)
{
    Variant value{std::in_place_index<Index>};
    WireReader reader(payload);
    reader(std::get<Index>(value));
    reader.finish();
    return value;
}

template <class Variant, std::size_t... Indices>
Variant decode_variant(const Frame& frame, std::index_sequence<Indices...>)
{
    using Decode = Variant (*)(std::string_view);
    static constexpr std::array<Decode, sizeof...(Indices)> decoders{decode_alternative<Variant, Indices>...};
    if (frame.type >= decoders.size())
        throw Error(ErrorKind::internal, "supervisor: a frame of unknown type " + std::to_string(frame.type));
    return decoders[frame.type](frame.payload);
}

} // namespace

void encode(std::string& out, const SupervisorCommand& command)
{
    encode_variant(out, command);
}

void encode(std::string& out, const SupervisorEvent& event)
{
    encode_variant(out, event);
}

SupervisorCommand decode_command(const Frame& frame)
{
    return decode_variant<SupervisorCommand>(
        frame, std::make_index_sequence<std::variant_size_v<SupervisorCommand>>());
}

SupervisorEvent decode_event(const Frame& frame)
{
    return decode_variant<SupervisorEvent>(
        frame, std::make_index_sequence<std::variant_size_v<SupervisorEvent>>());
}

} // namespace jobrunner
