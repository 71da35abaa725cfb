#pragma once

#include "core/error.hpp"
#include "jobrunner/client.hpp"

namespace jobrunner {

// Errors leave the library as its own type.
template <typename Work>
auto translated(Work&& work)
{
    try {
        return work();
    } catch (const Error& error) {
        const bool retryable = error.kind() == ErrorKind::unreachable || error.kind() == ErrorKind::in_doubt;
        throw ClientError(error.what(), retryable);
    }
}

} // namespace jobrunner
