#include "core/error.hpp"
#include "core/version.hpp"
#include "jobrunner/jobrunner.hpp"
#include "storage/open_storage.hpp"

namespace jobrunner {
namespace {

NewJob new_job(const JobSpec& spec)
{
    NewJob job;
    job.kind = spec.kind;
    job.args = spec.args;
    job.queue = spec.queue;
    job.priority = spec.priority;
    job.run_in = spec.delay;
    job.max_attempts = spec.max_attempts;
    job.timeout = spec.timeout;
    job.unique_key = spec.unique_key;
    job.tags = spec.tags;
    return job;
}

// Errors leave the library as its own type.
template <typename Work>
auto translated(Work&& work)
{
    try {
        return work();
    } catch (const Error& error) {
        const bool retryable = error.kind() == ErrorKind::unreachable || error.kind() == ErrorKind::in_doubt;
        throw ClientError(error.what(), retryable);
    }
}

} // namespace

struct Client::Impl {
    std::unique_ptr<Storage> storage;
};

std::string_view library_version()
{
    return version();
}

Client::Client(const std::string& url, const std::string& schema) : impl_(std::make_unique<Impl>())
{
    DatabaseOptions options;
    options.url = url;
    options.schema = schema;
    impl_->storage = translated([&] { return open_storage(options); });
}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

std::int64_t Client::enqueue(const JobSpec& job)
{
    return enqueue(std::vector{job}).front();
}

std::vector<std::int64_t> Client::enqueue(const std::vector<JobSpec>& jobs)
{
    return translated([&] {
        std::vector<NewJob> wanted;
        for (const auto& job : jobs) {
            wanted.push_back(new_job(job));
        }
        std::vector<std::int64_t> ids;
        for (const auto& added : impl_->storage->enqueue(wanted, OnConflict::skip)) {
            ids.push_back(added.id);
        }
        return ids;
    });
}

std::optional<std::string> Client::state(std::int64_t id)
{
    return translated([&]() -> std::optional<std::string> {
        const auto job = impl_->storage->find(id);
        return job ? std::optional(std::string(to_string(job->state))) : std::nullopt;
    });
}

} // namespace jobrunner
