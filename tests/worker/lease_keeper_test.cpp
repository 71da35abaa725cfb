#include "worker/lease_keeper.hpp"

#include "cli/fake_storage.hpp"
#include "executor/boot_clock.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

// Every lease holds until `refusing`.
struct LeaseTable {
    std::atomic<int> beats{0};
    std::atomic<int> registered{0};
    std::atomic<bool> refusing{false};
    std::atomic<bool> unreachable{false};
};

class LeaseStorage final : public tests::FakeStorage {
public:
    explicit LeaseStorage(LeaseTable& table) : table_(table) {}
    void register_worker(const WorkerRecord&) override { ++table_.registered; }
    bool heartbeat(const Heartbeat&) override
    {
        ++table_.beats;
        if (table_.unreachable) {
            throw Error(ErrorKind::unreachable, "the database is away");
        }
        return !table_.refusing;
    }

private:
    LeaseTable& table_;
};

template <typename Condition>
void wait_for(Condition condition)
{
    while (!condition()) {
        std::this_thread::sleep_for(1ms);
    }
}

struct Kept {
    LeaseTable table;
    std::atomic<WorkerId> lost{0};
    std::atomic<std::int64_t> lease{0};
    LeaseKeeper keeper;
    std::jthread thread;

    explicit Kept(Milliseconds length)
        : keeper([this] { return std::make_unique<LeaseStorage>(table); }, record(length),
              {.on_lease = [this](std::chrono::nanoseconds until) { lease = until.count(); },
                  .on_lost = [this](WorkerId id) { lost = id; },
                  .on_cancel = [](const ClaimToken&) {},
                  .has_long_runs = [] { return false; },
                  .running = [] { return 3; }}),
          thread([this](const std::stop_token& stop) { keeper.run(stop); })
    {
        wait_for([this] { return keeper.identity().has_value(); });
    }
    static WorkerRecord record(Milliseconds length)
    {
        WorkerRecord made;
        made.lease = length;
        return made;
    }
    [[nodiscard]] std::chrono::nanoseconds now() const { return BootClock::now().time_since_epoch(); }
};

} // namespace

TEST_CASE("lease keeper: a carried heartbeat renews the lease and spares its own")
{
    Kept kept(6s);
    std::optional<Heartbeat> beat;
    wait_for([&] {
        beat = kept.keeper.beat_to_carry();
        return beat.has_value();
    });
    CHECK(beat->worker == kept.keeper.identity());
    CHECK(beat->running == 3);
    const auto sent = kept.now();

    kept.keeper.carried(beat->worker, sent, true);

    CHECK(kept.lease == (sent + 6s).count());
    CHECK_FALSE(kept.keeper.beat_to_carry().has_value());
    CHECK(kept.table.beats == 0);
}

TEST_CASE("lease keeper: nothing is carried while there is something new to say")
{
    Kept kept(6s);
    wait_for([&] { return kept.keeper.beat_to_carry().has_value(); });
    kept.table.unreachable = true; // so that it stays unsaid

    SUBCASE("a report")
    {
        kept.keeper.set_report(R"({"held_back": []})");
    }
    SUBCASE("a state")
    {
        kept.keeper.set_state(WorkerState::quiet);
    }
    SUBCASE("kinds")
    {
        kept.keeper.set_kinds({});
    }

    CHECK_FALSE(kept.keeper.beat_to_carry().has_value());
}

TEST_CASE("lease keeper: a carried heartbeat that is refused ends in another identity")
{
    Kept kept(1h);
    const auto before = *kept.keeper.identity();
    kept.table.refusing = true;

    kept.keeper.carried(before, kept.now(), false);

    wait_for([&] { return kept.lost == before && kept.table.registered == 2; });
    wait_for([&] { return kept.keeper.identity().has_value(); });
    const auto lease = kept.lease.load();
    kept.keeper.carried(before, kept.now() + 1h, true); // of the one that was lost
    CHECK(kept.lease == lease);
    CHECK(kept.keeper.identity() != before);
}

TEST_CASE("lease keeper: figures tell its state, its lease and its connection")
{
    Kept kept(6s);
    const auto figures = [&] {
        WorkerFigures told;
        kept.keeper.add_to(told);
        return told;
    };
    wait_for([&] { return figures().connections.front().connected; });
    CHECK(figures().phase == WorkerPhase::running);
    CHECK(figures().has_lease);

    kept.table.unreachable = true;
    kept.keeper.set_state(WorkerState::quiet);
    wait_for([&] { return !figures().connections.front().connected; });
    CHECK(figures().phase == WorkerPhase::quiet);

    kept.table.unreachable = false;
    wait_for([&] { return figures().connections.front().reconnections == 1; });
    CHECK(figures().leases_lost == 0);

    kept.table.refusing = true;
    kept.keeper.set_state(WorkerState::stopping);
    wait_for([&] { return figures().leases_lost == 1; });
    CHECK(figures().phase == WorkerPhase::stopping);
}
