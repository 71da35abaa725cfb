// The test program is its own supervisor, and a worker for tests that stop or kill one; for the rest it is
// like all others.
#include "executor/supervisor.hpp"
#include "test_worker.hpp"

#define main run_tests
#include "doctest_main.cpp"
#undef main

int main(int argc, char** argv)
{
    if (const auto descriptor = jobrunner::supervisor_descriptor(argc, argv))
        return jobrunner::run_supervisor(*descriptor);
    if (const auto status = jobrunner::tests::run_as_test_worker(argc, argv))
        return *status;
    return run_tests(argc, argv);
}
