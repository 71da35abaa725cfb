#include "worker/dispatcher.hpp"

#include "executor/boot_clock.hpp"
#include "worker/worker_log.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

constexpr Milliseconds poll_every{1000};
// While jobs keep coming this fast the dispatcher looks again by itself instead of asking to be told: soon after it
// found some, then ever more seldom.
constexpr std::size_t busy_jobs = 20;
constexpr Milliseconds busy_poll_min{1};
constexpr Milliseconds busy_poll_max{8};
constexpr Milliseconds busy_for{20};
constexpr int promote_batch = 1000;
constexpr int gates_batch = 1000;
// A probe from the bottom may take up to this share of the time.
constexpr int bottom_share = 20;
constexpr Milliseconds bottom_cheap{5};

} // namespace

Dispatcher::Dispatcher(
    OpenStorage open, std::unique_ptr<Wake> wake, RunBoard& board, Abilities abilities, Hooks hooks)
    : storage_(std::move(open), "claim"),
      wake_(std::move(wake)),
      board_(board),
      hooks_(std::move(hooks)),
      book_(abilities.queues),
      abilities_(std::move(abilities))
{
}

void Dispatcher::set_abilities(Abilities abilities)
{
    const std::lock_guard lock(mutex_);
    book_.reset(abilities.queues);
    abilities_ = std::move(abilities);
}

void Dispatcher::set_quiet(bool quiet)
{
    quiet_ = quiet;
    nudge();
}

void Dispatcher::add_to(WorkerFigures& figures) const
{
    figures.jobs_claimed = jobs_claimed_;
    figures.claims = meter_.counts();
    figures.connections.push_back(storage_.figures());
}

void Dispatcher::run(const std::stop_token& stop)
{
    const std::stop_callback wake_up(stop, [this] { nudge(); });
    while (!stop.stop_requested()) {
        try {
            step(storage_.get());
            storage_.worked();
        } catch (const Error& error) {
            pause(storage_.failed(error));
            next_look_ = {};
        }
    }
}

void Dispatcher::step(Storage& storage)
{
    read_back_doubtful(storage);
    const auto worker = hooks_.identity();
    if (!worker || quiet_) {
        pause(worker ? poll_every : busy_for);
        return;
    }
    // The look also tells of lost workers, so it happens every second however busy the worker is.
    if (Clock::now() >= next_look_) {
        look(storage);
    }
    const int room = board_.room();
    if (room == 0) {
        keep_disarmed();
        pause(poll_every);
    } else if (!claim(storage, *worker, room)) {
        rest(storage);
    }
}

ClaimRequest Dispatcher::request_for(WorkerId worker, int room)
{
    const std::lock_guard lock(mutex_);
    ClaimRequest request;
    request.worker = worker;
    request.limit = std::min(room, claim_batch_max);
    request.kinds = abilities_.kinds;
    request.labels = abilities_.labels;
    std::vector<std::string> limited;
    for (auto& lane : book_.claims(request.limit)) {
        const int own = board_.room(lane.lane.queue);
        lane.limit = std::min(lane.limit, own);
        // A queue with slots of its own gives from one lane per claim, its most urgent, so that its slots hold.
        const bool own_slots = own < request.limit;
        const bool again = std::find(limited.begin(), limited.end(), lane.lane.queue) != limited.end();
        if (lane.limit > 0 && !again) {
            request.lanes.push_back(lane);
        }
        if (own_slots) {
            limited.push_back(lane.lane.queue);
        }
    }
    return request;
}

bool Dispatcher::claim(Storage& storage, WorkerId worker, int room)
{
    ClaimRequest request = request_for(worker, room);
    const int from_lines = claim_limited(storage, request);
    request.limit -= from_lines;
    if (request.lanes.empty() || request.limit == 0) {
        return from_lines > 0 || limited_.moved();
    }
    request.batch = ++last_batch_;
    std::vector<ClaimedJob> jobs;
    in_doubt_noted(worker, request.batch, [&] { jobs = storage.claim(request); });
    {
        const std::lock_guard lock(mutex_);
        book_.observe(request.lanes, request.limit, jobs, Clock::now());
    }
    if (jobs.empty()) {
        return from_lines > 0 || limited_.moved();
    }
    idle_ = false;
    take_in(request.batch, std::move(jobs));
    return true;
}

// Takes from the lines of limits, where there are any, and leaves in `request` what an ordinary claim may take besides.
// Returns how many it took.
int Dispatcher::claim_limited(Storage& storage, ClaimRequest& request)
{
    if (!limited_.wanted(!request.lanes.empty())) {
        return 0;
    }
    std::vector<std::string> queues;
    {
        const std::lock_guard lock(mutex_);
        queues = abilities_.queues;
    }
    request.batch = ++last_batch_;
    std::vector<ClaimedJob> jobs;
    in_doubt_noted(request.worker, request.batch,
        [&] { jobs = limited_.claim(storage, request, std::move(queues), board_.own_room()); });
    const int taken = static_cast<int>(jobs.size());
    if (taken > 0) {
        idle_ = false;
        take_in(request.batch, std::move(jobs));
        for (auto& lane : request.lanes) {
            lane.limit = std::min(lane.limit, board_.room(lane.lane.queue));
        }
        std::erase_if(request.lanes, [](const LaneClaim& lane) { return lane.limit <= 0; });
    }
    return taken;
}

template <typename Claim>
void Dispatcher::in_doubt_noted(WorkerId worker, std::int64_t batch, Claim&& claim)
{
    try {
        meter_.measure(claim);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::in_doubt) {
            // It may show only after a while: its backend can still be at it.
            const auto now = Clock::now();
            doubtful_.push_back({worker, batch, now + std::chrono::minutes(1), now});
        }
        throw;
    }
}

void Dispatcher::take_in(std::int64_t batch, std::vector<ClaimedJob> jobs)
{
    const auto now = Clock::now();
    if (now - window_begin_ > busy_for) {
        window_begin_ = now;
        window_jobs_ = 0;
    }
    window_jobs_ += jobs.size();
    jobs_claimed_ += static_cast<std::int64_t>(jobs.size());
    if (window_jobs_ >= busy_jobs) {
        keep_disarmed(); // Jobs come fast: it looks again by itself, and spares enqueuers the NOTIFY.
        busy_until_ = now + busy_for;
    }
    busy_poll_ = busy_poll_min;
    hooks_.start(board_.admit(batch, std::move(jobs)));
}

void Dispatcher::read_back_doubtful(Storage& storage)
{
    for (auto& one : doubtful_) {
        if (Clock::now() < one.next) {
            continue;
        }
        one.next = Clock::now() + poll_every;
        auto jobs = storage.claimed_in(one.worker, one.batch);
        if (!jobs.empty()) {
            spdlog::info("claim_read_back batch={} jobs={}", one.batch, jobs.size());
            take_in(one.batch, std::move(jobs));
            one.until = {};
        }
    }
    std::erase_if(doubtful_, [](const Doubtful& one) { return Clock::now() > one.until; });
}

Probe Dispatcher::probe(Storage& storage, bool from_bottom, const std::optional<Heartbeat>& beat)
{
    ProbeRequest request;
    request.beat = beat;
    {
        const std::lock_guard lock(mutex_);
        request.ranges = book_.ranges(from_bottom);
        request.fitting_only = from_bottom;
        request.kinds = abilities_.kinds;
        request.labels = abilities_.labels;
    }
    const auto begin = Clock::now();
    Probe found = storage.probe(request);
    const auto end = Clock::now();
    const std::lock_guard lock(mutex_);
    if (from_bottom) {
        bottom_cost_ = end - begin;
        bottom_next_ = end + bottom_share * bottom_cost_;
    }
    book_.set_paused(found.paused);
    auto weights = abilities_.weights;
    std::map<std::string, int> slots;
    for (const auto& setting : found.settings) {
        if (setting.weight) {
            weights[setting.queue] = *setting.weight;
        }
        if (setting.slots) {
            slots[setting.queue] = *setting.slots;
        }
    }
    book_.set_weights(std::move(weights));
    board_.set_queue_slots(std::move(slots));
    book_.learn(found.lanes);
    return found;
}

void Dispatcher::look(Storage& storage)
{
    const auto beat = hooks_.beat();
    bool from_bottom = false;
    if (!beat) { // The probe's cost decides how often it is made: a heartbeat's commit must not count.
        const std::lock_guard lock(mutex_);
        from_bottom = bottom_cost_ <= bottom_cheap && Clock::now() >= bottom_next_;
    }
    const auto sent = BootClock::now().time_since_epoch();
    const Probe found = probe(storage, from_bottom, beat);
    if (beat) {
        hooks_.on_beat(beat->worker, sent, found.beaten);
    }
    hooks_.on_schedules(found.schedules);
    if (limited_.learn(found.limits, found.held)) {
        // What it has passed so far may be under a limit by now.
        const std::lock_guard lock(mutex_);
        book_.reset(abilities_.queues);
    }
    next_look_ = Clock::now() + std::clamp(found.next_due.value_or(poll_every), Milliseconds{1}, poll_every);
    news_ = false;
    if (found.lost_workers || found.expired_jobs) {
        hooks_.on_upkeep();
    }
    // What has become runnable is seen by another look; if somebody else has it in hand, by the next.
    bool again = found.gates && storage.pass_gates(gates_batch) > 0;
    if (found.next_due && found.next_due->count() == 0) {
        again = storage.promote(promote_batch) > 0 || again;
        next_look_ = Clock::now() + poll_every;
    }
    if (again) {
        next_look_ = {};
    }
}

void Dispatcher::reread(Storage& storage)
{
    {
        const std::lock_guard lock(mutex_);
        if (Clock::now() < bottom_next_ || bottom_cost_ <= bottom_cheap || !book_.knows_lanes()) {
            return;
        }
    }
    if (!probe(storage, true).lanes.empty()) {
        nudge();
    }
}

void Dispatcher::rest(Storage& storage)
{
    if (Clock::now() >= next_look_) {
        return;
    }
    if (Clock::now() < busy_until_) {
        pause(busy_poll_);
        busy_poll_ = std::min(2 * busy_poll_, busy_poll_max);
        const std::lock_guard lock(mutex_);
        book_.suspect_recent(Clock::now());
        return;
    }
    if (!armed_ || news_) {
        // Looks once more after saying that it sleeps, so that no commit falls between.
        wake_->arm();
        armed_ = true;
        look(storage);
        return;
    }
    idle_ = board_.held() == 0 && !limited_.waits();
    pause(until_next_look());
}

Milliseconds Dispatcher::until_next_look() const
{
    const auto next = std::min(next_look_, limited_.next());
    return std::max(std::chrono::ceil<Milliseconds>(next - Clock::now()), Milliseconds{1});
}

void Dispatcher::keep_disarmed()
{
    if (armed_) {
        wake_->disarm();
        armed_ = false;
    }
}

void Dispatcher::pause(Milliseconds at_most)
{
    const auto event = wake_->wait(at_most);
    nudged_ = false; // What was done before a nudge is seen by what follows.
    if (event == Wake::Event::news) {
        const std::lock_guard lock(mutex_);
        book_.suspect_recent(Clock::now());
        news_ = true;
    }
}

} // namespace jobrunner
