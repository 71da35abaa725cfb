#pragma once

// The library of jobrunner: put jobs into a database, ask after them, and run them in a C++ program.
// Link jobrunner::jobrunner of find_package(jobrunner). <jobrunner/testing.hpp> is for the tests of such programs.

#include <jobrunner/client.hpp>
#include <jobrunner/worker.hpp>
