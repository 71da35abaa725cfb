#include "cli/program.hpp"
#include "cli/program_host.hpp"
#include "executor/supervisor.hpp"

int main(int argc, char** argv)
{
    // Before anything else: started with these arguments, the program is a worker's supervisor process.
    if (const auto descriptor = jobrunner::supervisor_descriptor(argc, argv)) {
        return jobrunner::run_supervisor(*descriptor);
    }
    jobrunner::ProgramHost host;
    return jobrunner::run_program(argc, argv, host.host());
}
