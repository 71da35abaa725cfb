#pragma once

#include "config/config.hpp"
#include "worker/chunk_gatherer.hpp"
#include "worker/kind_runner.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

namespace jobrunner {

// All ways to run the kinds of a configuration: gives each job to the runner that its kind names.
//
// Threads: see JobRunner.
class RunnerSet final : public JobRunner {
public:
    // One runner for each alternative of KindConfig::runs, in its order, made with `config`; null where this version
    // has none.
    static constexpr std::size_t ways = std::variant_size_v<decltype(KindConfig::runs)>;
    using Runners = std::array<std::unique_ptr<KindRunner>, ways>;

    RunnerSet(std::shared_ptr<const Config> config, Runners runners, RunSink& sink);

    void set_config(std::shared_ptr<const Config> config);

    void start(const ClaimedJob& job) override;
    void stop(const ClaimToken& token, StopCause cause) override;
    void kill_all(StopCause cause) override;
    void lease_until(std::chrono::nanoseconds boot_time) override;

private:
    struct Way {
        KindRunner* runner = nullptr; // null: the kind cannot be run here
        std::optional<ChunkConfig> chunk{};
    };
    [[nodiscard]] Way way_of(const std::string& kind);
    void start_chunk(const std::vector<ClaimedJob>& jobs);
    void refuse(const ClaimedJob& job);

    RunSink& sink_;
    std::mutex mutex_;
    std::shared_ptr<const Config> config_;
    Runners runners_;
    ChunkGatherer gatherer_; // last: its thread uses the rest
};

} // namespace jobrunner
