#pragma once

#include "core/error.hpp"

#include <exception>
#include <string>

namespace jobrunner::postgres {

// Turns the exception being handled into a jobrunner::Error. `writes`: a connection that breaks leaves it in doubt
// whether a change was made. `server` names the database without its password.
[[noreturn]] void rethrow_as_error(bool writes, const std::string& server);

// Whether a failed transaction may simply be run again: deadlock or serialisation failure.
[[nodiscard]] bool may_run_again(const std::exception& failure);

} // namespace jobrunner::postgres
