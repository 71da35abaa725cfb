#include "executor/child_table.hpp"

namespace jobrunner {

Child& ChildTable::add(const ProcessSpec& spec, SpawnedChild spawned, Time started_at)
{
    auto owned = std::make_unique<Child>(++last_serial_, spec, std::move(spawned), started_at);
    Child& child = *owned;
    by_pid_.emplace(child.pid, &child);
    by_key_.emplace(child.key, std::move(owned));
    book(child);
    return child;
}

void ChildTable::remove(const Child& child)
{
    if (child.booked_at)
        deadlines_.erase({*child.booked_at, by_key_.at(child.key).get()});
    bury(child);
    by_key_.erase(ProcessKey(child.key));
}

void ChildTable::bury(const Child& child)
{
    if (find_pid(child.pid) == &child)
        by_pid_.erase(child.pid);
}

Child* ChildTable::find(ProcessKey key) const
{
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second.get();
}

Child* ChildTable::find_pid(pid_t pid) const
{
    const auto found = by_pid_.find(pid);
    return found == by_pid_.end() ? nullptr : found->second;
}

std::vector<Child*> ChildTable::all() const
{
    std::vector<Child*> children;
    children.reserve(by_key_.size());
    for (const auto& [key, child] : by_key_)
        children.push_back(child.get());
    return children;
}

void ChildTable::book(Child& child)
{
    const auto next = child.next_deadline();
    if (next == child.booked_at)
        return;
    if (child.booked_at)
        deadlines_.erase({*child.booked_at, &child});
    if (next)
        deadlines_.emplace(*next, &child);
    child.booked_at = next;
}

std::optional<ChildTable::Time> ChildTable::next_deadline() const
{
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

std::vector<Child*> ChildTable::due(Time now) const
{
    std::vector<Child*> children;
    for (auto next = deadlines_.begin(); next != deadlines_.end() && next->first <= now; ++next)
        children.push_back(next->second);
    return children;
}

} // namespace jobrunner
