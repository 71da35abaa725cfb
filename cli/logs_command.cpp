#include "cli/commands.hpp"
#include "cli/terminal_text.hpp"
#include "client/job_log.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"

namespace jobrunner {
namespace {

struct LogsFlags {
    std::string id;
    bool follow = false;
};

// Prints parts of a job's output, and says between two runs of it where the next begins.
class LogPrinter {
public:
    LogPrinter(Session& session, JobId id) : session_(session), id_(id) {}

    void print(const std::vector<OutputRow>& parts)
    {
        for (const auto& part : parts) {
            if (session_.json()) {
                session_.print(to_json(part));
            } else {
                print_text(part);
            }
        }
        session_.out().flush();
    }

private:
    void print_text(const OutputRow& part)
    {
        if (last_fence_ != 0 && part.fence != last_fence_) {
            session_.out() << (at_line_begin_ ? "" : "\n") << std::flush;
            session_.note("run " + std::to_string(part.fence) + " of job " + std::to_string(id_));
            at_line_begin_ = true;
        }
        last_fence_ = part.fence;
        session_.out() << shown_lines(part.body);
        at_line_begin_ = part.body.empty() ? at_line_begin_ : part.body.back() == '\n';
    }

    Session& session_;
    JobId id_;
    int last_fence_ = 0;
    bool at_line_begin_ = true;
};

int print_logs(Session& session, const LogsFlags& flags)
{
    const JobId id = read_job_id(flags.id, "ID");
    JobLog log(session.storage(), id);
    LogPrinter printer(session, id);
    PollPause pause;
    while (true) {
        const auto parts = log.read();
        printer.print(parts);
        if (!flags.follow || log.at_end() || session.host().reader_gone()) {
            return exit_done;
        }
        if (!parts.empty()) {
            pause.reset();
        }
        session.host().clock.sleep(pause.next());
    }
}

} // namespace

void add_logs_command(CommandTree& tree)
{
    const auto flags = std::make_shared<LogsFlags>();
    auto& command = tree.add({.name = "logs",
                                 .about = "Prints what a job has written to its standard output and error.",
                                 .examples = "jobrunner logs 42\njobrunner logs 42 --follow",
                                 .group = "Jobs"},
        [flags](Session& session) { return print_logs(session, *flags); });
    command.add_option("ID", flags->id, "The job")->required()->type_name("");
    command.add_flag("-f,--follow", flags->follow, "Go on until the job has finished");
}

} // namespace jobrunner
