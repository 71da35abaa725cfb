// Enqueues one job and prints its id and state.
//
//   cmake -S . -B build && cmake --build build
//   build/enqueue_example sqlite:///tmp/jobs.db file.digest '{"path": "/etc/hostname"}'

#include <jobrunner/jobrunner.hpp>

#include <iostream>

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::cerr << "usage: enqueue_example URL KIND ARGS\n";
        return 2;
    }
    try {
        jobrunner::Client client(argv[1]);
        jobrunner::JobSpec job;
        job.kind = argv[2];
        job.args = argv[3];
        const auto id = client.enqueue(job);
        std::cout << id << ' ' << client.state(id).value_or("gone") << '\n';
        return 0;
    } catch (const jobrunner::ClientError& error) {
        std::cerr << "enqueue_example: " << error.what() << '\n';
        return 1;
    }
}
