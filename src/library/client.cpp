#include "jobrunner/client.hpp"
#include "core/version.hpp"
#include "library/translate.hpp"
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

std::vector<UnfinishedJob> Client::unfinished(const std::string& kind, int limit)
{
    return translated([&] {
        JobFilter filter;
        filter.states = {JobState::available, JobState::scheduled, JobState::blocked, JobState::running,
            JobState::retryable};
        filter.kind = kind;
        filter.limit = limit;
        std::vector<UnfinishedJob> found;
        for (auto& row : impl_->storage->list(filter)) {
            found.push_back({row.id, std::move(row.kind), std::move(row.args), std::move(row.queue),
                std::string(to_string(row.state))});
        }
        return found;
    });
}

} // namespace jobrunner
