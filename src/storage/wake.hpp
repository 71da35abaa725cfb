#pragma once

#include "core/duration.hpp"

#include <cstdint>

namespace jobrunner {

// News that others have committed something: LISTEN on PostgreSQL, a watch on the file on SQLite. A hint
// only: news may be missed or spurious, so callers poll as well. It never throws for a lost
// connection: it goes deaf, and reconnects by itself when next waited on.
//
// Threads: one thread arms and waits; interrupt() may be called from any other.
class Wake {
public:
    Wake() = default;
    Wake(const Wake&) = delete;
    Wake& operator=(const Wake&) = delete;
    virtual ~Wake() = default;

    enum class Event { timeout, news, interrupted };

    // Says that the caller is about to sleep, so that enqueuers tell it; look once more after this, before waiting.
    virtual void arm() = 0;
    // Says that it is awake: enqueuers need tell it nothing.
    virtual void disarm() = 0;
    // Waits for news, an interrupt or the time to pass.
    [[nodiscard]] virtual Event wait(Milliseconds at_most) = 0;
    virtual void interrupt() noexcept = 0;
};

} // namespace jobrunner
