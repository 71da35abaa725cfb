#include "storage/postgres/postgres_wake.hpp"

#include "storage/postgres/connection.hpp"
#include "storage/postgres/queries.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace jobrunner::postgres {
namespace {

using Clock = std::chrono::steady_clock;

class PostgresWake final : public Wake {
public:
    explicit PostgresWake(const DatabaseOptions& options)
        : connection_(options), interrupts_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {
    }
    ~PostgresWake() override { ::close(interrupts_); }

    void arm() override
    {
        if (listening() && !armed_) {
            attempt([&] { connection_.read(queries::arm_wake); });
            armed_ = listener_ != nullptr;
        }
    }

    void disarm() override
    {
        if (armed_ && listener_ != nullptr) {
            attempt([&] { connection_.read(queries::disarm_wake); });
        }
        armed_ = false;
    }

    Event wait(Milliseconds at_most) override
    {
        const auto until = Clock::now() + at_most;
        for (;;) {
            if (heard_) {
                heard_ = false;
                return Event::news;
            }
            const auto left = std::chrono::duration_cast<Milliseconds>(until - Clock::now()).count();
            pollfd sockets[2] = {
                {interrupts_, POLLIN, 0}, {listener_ ? connection_.session().sock() : -1, POLLIN, 0}};
            if (::poll(sockets, 2, static_cast<int>(std::max<std::int64_t>(left, 0))) == 0) {
                return Event::timeout;
            }
            if ((sockets[0].revents & POLLIN) != 0) {
                std::uint64_t count = 0;
                [[maybe_unused]] const auto read = ::read(interrupts_, &count, sizeof count);
                return Event::interrupted;
            }
            if (sockets[1].revents != 0) {
                attempt([&] { connection_.session().get_notifs(); });
            }
        }
    }

    void interrupt() noexcept override
    {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(interrupts_, &one, sizeof one);
    }

private:
    class Listener final : public pqxx::notification_receiver {
    public:
        Listener(pqxx::connection& session, const std::string& channel, bool& heard)
            : pqxx::notification_receiver(session, channel), heard_(heard)
        {
        }
        void operator()(const std::string&, int) override { heard_ = true; }

    private:
        bool& heard_;
    };

    // Whether there is a session that listens; makes one at most once a second.
    bool listening()
    {
        if (listener_ == nullptr && !connection_.options().pooled && Clock::now() >= next_try_) {
            next_try_ = Clock::now() + std::chrono::seconds(1);
            attempt([&] {
                listener_ = std::make_unique<Listener>(
                    connection_.session(), connection_.options().schema + "_wake", heard_);
                heard_ = true; // News may have been missed while it was deaf.
            });
        }
        return listener_ != nullptr;
    }

    // A lost connection makes it deaf, not wrong: callers poll as well.
    template <typename Step>
    void attempt(Step&& step)
    {
        try {
            step();
        } catch (const std::exception&) {
            listener_.reset();
            armed_ = false;
            connection_.drop();
        }
    }

    Connection connection_;
    int interrupts_;
    std::unique_ptr<Listener> listener_;
    bool armed_ = false;
    bool heard_ = false;
    Clock::time_point next_try_{};
};

} // namespace

std::unique_ptr<Wake> make_wake(const DatabaseOptions& options)
{
    return std::make_unique<PostgresWake>(options);
}

} // namespace jobrunner::postgres
