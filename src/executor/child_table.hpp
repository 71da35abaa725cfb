#pragma once

#include "executor/child.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace jobrunner {

// Owns the supervisor's children, from their start until their end is reported.
class ChildTable {
public:
    using Time = Child::Time;

    // Requires: no child has this key.
    Child& add(const ProcessSpec& spec, SpawnedChild spawned, Time started_at);
    void remove(const Child& child);

    // Null if there is none. A pid is found only until bury().
    [[nodiscard]] Child* find(ProcessKey key) const;
    [[nodiscard]] Child* find_pid(pid_t pid) const;

    // From now on the pid may be another process's.
    void bury(const Child& child);

    [[nodiscard]] std::size_t size() const { return by_key_.size(); }
    [[nodiscard]] std::vector<Child*> all() const;

    // Deadlines. After a change of a child's, book() must be told.
    void book(Child& child);
    [[nodiscard]] std::optional<Time> next_deadline() const;
    [[nodiscard]] std::vector<Child*> due(Time now) const;

private:
    std::unordered_map<ProcessKey, std::unique_ptr<Child>> by_key_;
    std::unordered_map<pid_t, Child*> by_pid_;
    std::set<std::pair<Time, Child*>> deadlines_;
    std::uint64_t last_serial_ = 0;
};

} // namespace jobrunner
