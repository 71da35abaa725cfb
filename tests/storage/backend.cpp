#include "storage/backend.hpp"

#include <cstdlib>

namespace jobrunner::tests {

std::unique_ptr<Backend> make_backend(std::string_view name, std::string& reason)
{
    if (name == "sqlite") {
        return make_sqlite_backend();
    }
    const char* const url = std::getenv("JOBRUNNER_TEST_POSTGRES");
    if (url == nullptr) {
        reason = "JOBRUNNER_TEST_POSTGRES is not set; run below scripts/with_postgres";
        return nullptr;
    }
    return make_postgres_backend(url);
}

} // namespace jobrunner::tests
