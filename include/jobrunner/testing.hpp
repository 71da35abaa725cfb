#pragma once

#include <jobrunner/worker.hpp>

// For the tests of programs that enqueue and handle jobs.

namespace jobrunner::testing {

// What became of a handler that was called without a database.
struct Performed {
    std::string outcome; // completed, snoozed, failed or dead (failed for good), as the first attempt's
    std::optional<std::string> result; // JSON
    std::string error;                 // failed, dead: what it threw
    std::string error_class;
    std::optional<std::chrono::milliseconds> delay; // asked for by a snooze or a failure
    std::optional<double> percent;                  // the last that it reported
    std::optional<std::string> checkpoint;          // the last that it saved
    std::vector<std::string> log;                   // its lines
};

// Calls the worker's handler of that kind in this thread, without a database. complete_in() throws ClientError. Throws ClientError
// for a kind without a handler, or args that are no JSON object.
[[nodiscard]] Performed perform(const EmbeddedWorker& worker, const std::string& kind,
    const std::string& args = "{}", const std::optional<std::string>& checkpoint = {});

// Returns the id of the latest unfinished job of that kind whose args have every member of `args` with an equal value. Throws
// ClientError that lists those that there are, if there is none.
std::int64_t require_enqueued(Client& client, const std::string& kind, const std::string& args = "{}");
// Throws ClientError that lists them if there is an unfinished job of that kind.
void require_none_enqueued(Client& client, const std::string& kind);

} // namespace jobrunner::testing
