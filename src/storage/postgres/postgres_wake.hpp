#pragma once

#include "storage/open_storage.hpp"

#include <memory>

namespace jobrunner::postgres {

// LISTEN on a session of its own. While armed it holds the advisory lock by which enqueuers know that somebody
// sleeps; see wake_workers() in the schema. Through a transaction pooler it only waits.
[[nodiscard]] std::unique_ptr<Wake> make_wake(const DatabaseOptions& options);

} // namespace jobrunner::postgres
