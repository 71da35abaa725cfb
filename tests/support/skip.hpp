// Skipping inside a test program.
#pragma once

#include <string_view>

namespace jobrunner::tests {

// Says on standard output that the running test case cannot do its work here, and why. The
// caller returns from the test case afterwards. A program in which anything was skipped, and
// nothing failed, exits with 77, which CTest shows as "Skipped"; `scripts/test` takes that as
// a failure when CI is set.
void note_skipped(std::string_view reason);

} // namespace jobrunner::tests
