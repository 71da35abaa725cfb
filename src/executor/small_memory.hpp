#pragma once

namespace jobrunner {

// Gives back the memory that starting this process took and running it does not: the pages of libraries. The kernel
// counts the supervisor's memory in the peak of every child that it starts, so the less, the truer.
void release_unused_memory();

} // namespace jobrunner
