#include "storage/sqlite/sqlite_wake.hpp"

#include "storage/sqlite/file_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace jobrunner {
namespace sqlite {
namespace {

// A commit by this very process is news as well: to know better would cost more than a look. Looking writes nothing,
// so an idle worker does not wake itself.
class SqliteWake final : public Wake {
public:
    explicit SqliteWake(const std::string& file)
        : watch_(file), interrupts_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {
    }
    ~SqliteWake() override { ::close(interrupts_); }

    void arm() override { watch_.start(); }
    void disarm() override { watch_.stop(); }

    Event wait(Milliseconds at_most) override
    {
        using Clock = std::chrono::steady_clock;
        const auto until = Clock::now() + at_most;
        for (;;) {
            const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now()).count();
            std::array<pollfd, 2> sources{{{interrupts_, POLLIN, 0}, {watch_.descriptor(), POLLIN, 0}}};
            const int ready = ::poll(sources.data(), sources.size(),
                static_cast<int>(std::clamp<std::int64_t>(left, 0, wait_max)));
            if (ready > 0 && sources[0].revents != 0) {
                std::uint64_t count = 0;
                [[maybe_unused]] const auto read = ::read(interrupts_, &count, sizeof count);
                return Event::interrupted;
            }
            if (ready > 0 && watch_.drain()) {
                return Event::news;
            }
            if (ready <= 0 && Clock::now() >= until) {
                return Event::timeout;
            }
        }
    }

    void interrupt() noexcept override
    {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(interrupts_, &one, sizeof one);
    }

private:
    static constexpr std::int64_t wait_max = 3'600'000; // of one poll, in milliseconds

    FileWatch watch_;
    int interrupts_;
};

} // namespace
} // namespace sqlite

std::unique_ptr<Wake> open_sqlite_wake(const std::string& path, const DatabaseOptions&)
{
    return std::make_unique<sqlite::SqliteWake>(path);
}

} // namespace jobrunner
