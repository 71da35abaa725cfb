#pragma once

#include "core/token.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jobrunner {

// The arguments of a job, read once from their JSON text for looking values up by path.
//
// Numbers keep the spelling of the text: 12345678901234567890123 and 0.10 come out as they went
// in. The only exception is -0, which reads as 0. Of members with the same name the last one
// counts, as in PostgreSQL. Memory grows linearly with the text, however deep it nests.
class ArgsView {
public:
    enum class Type { string, number, boolean, null, object, array };

    struct Value {
        Type type = Type::null;
        std::string text; // of a string (decoded), number or boolean; else empty
    };

    // Throws Error{refused} when `json_text` is not one JSON object, or holds a number beyond the
    // range of a double. The message does not quote the text.
    explicit ArgsView(std::string_view json_text);

    // The value at `path` (member names from the outside in), or null when there is none.
    // Elements of arrays have no path.
    [[nodiscard]] const Value* find(const std::vector<std::string>& path) const;

private:
    friend class ArgsReader;

    // An object is known by a number; its members are keyed by that number and their name.
    using MemberKey = std::pair<std::size_t, std::string>;
    struct Node {
        Value value;
        std::size_t object = 0;
    };

    std::map<MemberKey, Node> members_;
};

// What a template may say about the job besides its arguments.
struct TemplateJob {
    JobId id = 0;
    std::string_view kind;
    std::string_view queue;
    int attempt = 0;
};

// How values get into a template; every member may be empty.
struct TemplateValues {
    // The value of the secret of that name.
    std::function<std::string(const std::string& name)> secret;
    // Makes of a value what is put in its place; `placeholder` is its name, such as args.path.
    std::function<std::string(const std::string& placeholder, const std::string& value)> shape;
};

// One argument or string of the configuration with places for values of the job:
//
//   {args.path} {args.file.name}                    a string, number or boolean of the arguments
//   {job.id} {job.kind} {job.queue} {job.attempt}   the job itself
//   {secret:NAME}                                   a secret of the configuration
//   {{ }}                                           literal braces
//
// A filled template is always one string: a value is never split, expanded or parsed again.
// Immutable, so safe to share between threads.
class ArgsTemplate {
public:
    // Throws Error{usage} that quotes the text and gives the position (from 1) of a brace that is
    // not closed or not opened, or of a placeholder that does not exist.
    [[nodiscard]] static ArgsTemplate parse(std::string_view text);

    // A template that always gives `text`, braces included.
    [[nodiscard]] static ArgsTemplate literal(std::string text);

    // The text with every placeholder replaced by its value.
    // Throws Error{refused} that names the placeholder when its value is missing, null, an object,
    // an array, or holds a NUL character: the job cannot run, now or later.
    // A template with a secret needs values.secret; what the functions throw comes through.
    [[nodiscard]] std::string fill(
        const ArgsView& args, const TemplateJob& job, const TemplateValues& values = {}) const;

    // The names of its secrets, in order.
    [[nodiscard]] std::vector<std::string> secrets() const;

    // As parse() or literal() got it.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    // Whether the template has no placeholder, so that fill() always gives the same string.
    [[nodiscard]] bool is_literal() const noexcept;

    // Whether what fill() gives begins with a value of the job's arguments.
    [[nodiscard]] bool begins_with_args() const noexcept;

private:
    friend class TemplateParser;

    struct Literal {
        std::string text;
    };
    struct ArgsPath {
        std::vector<std::string> members;
    };
    struct Secret {
        std::string name;
    };
    struct Filler;
    enum class JobField { id, kind, queue, attempt };
    using Piece = std::variant<Literal, ArgsPath, JobField, Secret>;

    ArgsTemplate() = default;

    std::string text_;
    std::vector<Piece> pieces_;
};

} // namespace jobrunner
