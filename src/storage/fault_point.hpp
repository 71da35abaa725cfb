#pragma once

#include <string_view>

namespace jobrunner {

// A named point of a protocol at which a test may have this process killed: the worker dies there with SIGKILL, as it would by
// a crash at the worst moment. JOBRUNNER_FAULT_POINT=NAME:N names the point and says that its N-th passing is the last.
//
// Builds without JOBRUNNER_FAULTS, those for users among them, do nothing here and do not know the variable.
// Threads: any.
void fault_point(std::string_view name) noexcept;

} // namespace jobrunner
