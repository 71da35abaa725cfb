#include "core/args_template.hpp"

#include "core/error.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

namespace jobrunner {

// Fills an ArgsView from the events of nlohmann's parser, which hands out numbers that fit no
// 64-bit integer as they were written.
class ArgsReader : public nlohmann::json_sax<nlohmann::json> {
public:
    explicit ArgsReader(ArgsView& view) : view_(view) {}

    bool null() override { return scalar(ArgsView::Type::null, {}); }
    bool boolean(bool value) override { return scalar(ArgsView::Type::boolean, value ? "true" : "false"); }
    bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
    bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
    bool number_float(number_float_t, const string_t& written) override { return number(written); }
    bool string(string_t& value) override { return scalar(ArgsView::Type::string, std::move(value)); }
    bool binary(binary_t&) override { return false; }

    bool start_object(std::size_t) override
    {
        if (open_.empty()) {
            open_.emplace_back(objects_++);
            return true;
        }
        return start(ArgsView::Type::object, open_.back() ? std::optional(objects_++) : std::nullopt);
    }
    bool start_array(std::size_t) override { return start(ArgsView::Type::array, std::nullopt); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }

    bool key(string_t& name) override
    {
        name_ = std::move(name);
        return true;
    }

    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override
    {
        constexpr int number_overflow = 406;
        if (error.id == number_overflow) {
            throw Error(
                ErrorKind::refused, "args hold a number that is too large; at most 1.7e308 was expected");
        }
        return false;
    }

private:
    bool number(std::string text) { return scalar(ArgsView::Type::number, std::move(text)); }

    bool scalar(ArgsView::Type type, std::string text)
    {
        note({{type, std::move(text)}, 0});
        return !open_.empty();
    }

    // `object` is unset for what has no paths: an array and everything within it.
    bool start(ArgsView::Type type, std::optional<std::size_t> object)
    {
        note({{type, {}}, object.value_or(0)});
        const bool within_args = !open_.empty();
        open_.push_back(object);
        return within_args;
    }

    bool end()
    {
        open_.pop_back();
        return true;
    }

    void note(ArgsView::Node node)
    {
        if (!open_.empty() && open_.back()) {
            view_.members_.insert_or_assign({*open_.back(), name_}, std::move(node));
        }
    }

    ArgsView& view_;
    std::vector<std::optional<std::size_t>> open_;
    std::size_t objects_ = 0;
    std::string name_;
};

ArgsView::ArgsView(std::string_view json_text)
{
    ArgsReader reader(*this);
    if (!nlohmann::json::sax_parse(json_text, &reader)) {
        throw Error(ErrorKind::refused, "args are not a JSON object");
    }
}

const ArgsView::Value* ArgsView::find(const std::vector<std::string>& path) const
{
    std::size_t object = 0;
    const Value* found = nullptr;
    for (const auto& name : path) {
        if (found != nullptr && found->type != Type::object) {
            return nullptr;
        }
        const auto member = members_.find({object, name});
        if (member == members_.end()) {
            return nullptr;
        }
        found = &member->second.value;
        object = member->second.object;
    }
    return found;
}

// Cuts the text of a template into pieces.
class TemplateParser {
public:
    explicit TemplateParser(std::string_view text) : text_(text) {}

    std::vector<ArgsTemplate::Piece> pieces()
    {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c != '{' && c != '}') {
                literal_ += c;
                ++at_;
            } else if (at_ + 1 < text_.size() && text_[at_ + 1] == c) {
                literal_ += c;
                at_ += 2;
            } else if (c == '{') {
                placeholder();
            } else {
                refuse("a } that closes nothing (write }} for a brace)");
            }
        }
        end_literal();
        return std::move(pieces_);
    }

private:
    void placeholder()
    {
        const auto close = text_.find_first_of("{}", at_ + 1);
        if (close == std::string_view::npos || text_[close] == '{') {
            refuse("a { that is not closed (write {{ for a brace)");
        }
        const auto name = text_.substr(at_ + 1, close - at_ - 1);
        end_literal();
        pieces_.push_back(parse_name(name));
        at_ = close + 1;
    }

    [[nodiscard]] ArgsTemplate::Piece parse_name(std::string_view name) const
    {
        using Field = ArgsTemplate::JobField;
        constexpr std::array<std::pair<std::string_view, Field>, 4> fields{{{"job.id", Field::id},
            {"job.kind", Field::kind}, {"job.queue", Field::queue}, {"job.attempt", Field::attempt}}};
        for (const auto& [field_name, field] : fields) {
            if (name == field_name) {
                return field;
            }
        }
        constexpr std::string_view secret = "secret:";
        if (name.starts_with(secret) && name.size() > secret.size()) {
            return ArgsTemplate::Secret{std::string(name.substr(secret.size()))};
        }
        constexpr std::string_view prefix = "args.";
        if (!name.starts_with(prefix)) {
            refuse_name(name);
        }
        return ArgsTemplate::ArgsPath{split(name, name.substr(prefix.size()))};
    }

    [[nodiscard]] std::vector<std::string> split(std::string_view name, std::string_view path) const
    {
        std::vector<std::string> members;
        for (std::size_t dot = 0; dot != std::string_view::npos;) {
            dot = path.find('.');
            members.emplace_back(path.substr(0, dot));
            if (members.back().empty()) {
                refuse_name(name);
            }
            path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
        }
        return members;
    }

    void end_literal()
    {
        if (!literal_.empty()) {
            pieces_.emplace_back(ArgsTemplate::Literal{std::exchange(literal_, {})});
        }
    }

    [[noreturn]] void refuse_name(std::string_view name) const
    {
        refuse("the unknown placeholder {" + std::string(name) +
            "}; known are {args.NAME}, {job.id}, {job.kind}, {job.queue}, {job.attempt} and "
            "{secret:NAME}; write {{ for a brace");
    }

    [[noreturn]] void refuse(const std::string& what) const
    {
        throw Error(ErrorKind::usage,
            "\"" + std::string(text_) + "\" has at position " + std::to_string(at_ + 1) + " " + what);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string literal_;
    std::vector<ArgsTemplate::Piece> pieces_;
};

namespace {

std::string_view with_article(ArgsView::Type type)
{
    constexpr std::array<std::string_view, 6> names{
        "a string", "a number", "a boolean", "null", "an object", "an array"};
    return names.at(static_cast<std::size_t>(type));
}

[[noreturn]] void refuse_value(const std::vector<std::string>& path, std::string_view what)
{
    std::string name = "args";
    for (const auto& member : path) {
        name += "." + member;
    }
    throw Error(ErrorKind::refused, name + " " + std::string(what));
}

// Says "args.file is an array" rather than "args.file.name is missing", where that is why.
[[noreturn]] void refuse_missing(const ArgsView& args, std::vector<std::string> path)
{
    const auto missing = path;
    for (path.pop_back(); !path.empty(); path.pop_back()) {
        const auto* outer = args.find(path);
        if (outer != nullptr && outer->type != ArgsView::Type::object) {
            refuse_value(path, "is " + std::string(with_article(outer->type)) + "; an object was expected");
        }
    }
    refuse_value(missing, "is missing");
}

const std::string& value_at(const ArgsView& args, const std::vector<std::string>& path)
{
    const auto* value = args.find(path);
    if (value == nullptr) {
        refuse_missing(args, path);
    }
    switch (value->type) {
    case ArgsView::Type::string:
    case ArgsView::Type::number:
    case ArgsView::Type::boolean:
        break;
    default:
        refuse_value(path,
            "is " + std::string(with_article(value->type)) + "; a string, number or boolean was expected");
    }
    if (value->text.find('\0') != std::string::npos) {
        refuse_value(path, "holds a NUL character; text without one was expected");
    }
    return value->text;
}

} // namespace

ArgsTemplate ArgsTemplate::parse(std::string_view text)
{
    ArgsTemplate parsed;
    parsed.text_ = text;
    parsed.pieces_ = TemplateParser(text).pieces();
    return parsed;
}

ArgsTemplate ArgsTemplate::literal(std::string text)
{
    ArgsTemplate made;
    made.pieces_.emplace_back(Literal{text});
    made.text_ = std::move(text);
    return made;
}

struct ArgsTemplate::Filler {
    const ArgsView& args;
    const TemplateJob& job;
    const TemplateValues& values;

    std::string operator()(const Literal& literal) const { return literal.text; }
    std::string operator()(const ArgsPath& path) const
    {
        std::string name = "args";
        for (const auto& member : path.members) {
            name += "." + member;
        }
        return shaped(name, value_at(args, path.members));
    }
    std::string operator()(const Secret& secret) const
    {
        if (!values.secret) {
            throw Error(ErrorKind::refused, "the secret " + secret.name + " has no place here");
        }
        return shaped("secret:" + secret.name, values.secret(secret.name));
    }
    std::string operator()(JobField field) const
    {
        switch (field) {
        case JobField::id:
            return shaped("job.id", std::to_string(job.id));
        case JobField::kind:
            return shaped("job.kind", std::string(job.kind));
        case JobField::queue:
            return shaped("job.queue", std::string(job.queue));
        case JobField::attempt:
            return shaped("job.attempt", std::to_string(job.attempt));
        }
        return {};
    }

    [[nodiscard]] std::string shaped(const std::string& name, const std::string& value) const
    {
        return values.shape ? values.shape(name, value) : value;
    }
};

std::string ArgsTemplate::fill(
    const ArgsView& args, const TemplateJob& job, const TemplateValues& values) const
{
    std::string filled;
    for (const auto& piece : pieces_) {
        filled += std::visit(Filler{args, job, values}, piece);
    }
    return filled;
}

std::vector<std::string> ArgsTemplate::secrets() const
{
    std::vector<std::string> names;
    for (const auto& piece : pieces_) {
        if (const auto* secret = std::get_if<Secret>(&piece)) {
            names.push_back(secret->name);
        }
    }
    return names;
}

bool ArgsTemplate::is_literal() const noexcept
{
    for (const auto& piece : pieces_) {
        if (!std::holds_alternative<Literal>(piece)) {
            return false;
        }
    }
    return true;
}

bool ArgsTemplate::begins_with_args() const noexcept
{
    return !pieces_.empty() && std::holds_alternative<ArgsPath>(pieces_.front());
}

} // namespace jobrunner
