#include "executor/user_lookup.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace jobrunner {

namespace {

struct Account {
    std::string name;
    uid_t user = 0;
    gid_t group = 0;
};

std::optional<uid_t> as_number(const std::string& text)
{
    uid_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<Account> find_account(const std::string& name)
{
    const auto number = as_number(name);
    passwd entry{};
    passwd* found = nullptr;
    std::string buffer(4096, '\0');
    const auto ask = [&] {
        return number ? ::getpwuid_r(*number, &entry, buffer.data(), buffer.size(), &found)
                      : ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    };
    while (ask() == ERANGE && buffer.size() < (std::size_t{1} << 20))
        buffer.resize(buffer.size() * 2);
    return found == nullptr ? std::nullopt
                            : std::optional(Account{entry.pw_name, entry.pw_uid, entry.pw_gid});
}

std::vector<gid_t> groups_of(const Account& account)
{
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    if (::getgrouplist(account.name.c_str(), account.group, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(count));
        ::getgrouplist(account.name.c_str(), account.group, groups.data(), &count);
    }
    groups.resize(static_cast<std::size_t>(std::max(count, 0)));
    return groups;
}

} // namespace

std::optional<Credentials> UserLookup::find(const std::string& name)
{
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (const auto known = known_.find(name); known != known_.end() && now - known->second.first < kept_for)
        return known->second.second;
    const auto account = find_account(name);
    if (!account)
        return std::nullopt;
    const Credentials credentials{account->user, account->group, groups_of(*account)};
    known_.insert_or_assign(name, std::pair(now, credentials));
    return credentials;
}

} // namespace jobrunner
