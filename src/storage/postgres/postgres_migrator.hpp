#pragma once

#include "storage/open_storage.hpp"

#include <memory>

namespace jobrunner::postgres {

[[nodiscard]] std::unique_ptr<Migrator> make_migrator(const DatabaseOptions& options);

} // namespace jobrunner::postgres
