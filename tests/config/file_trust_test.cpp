#include "config/file_trust.hpp"

#include "config_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::ConfigFixture;

namespace {

constexpr auto kind = "[kinds.a]\ncommand = [\"true\"]\n";
constexpr auto no_kind = "[worker]\nslots = 1\n";

} // namespace

TEST_CASE("file trust: root and the reader may own a file of kinds, others may not")
{
    CHECK(reason_to_distrust({.mode = 0100644, .owner = 0, .reader = 1000}) == std::nullopt);
    CHECK(reason_to_distrust({.mode = 0100600, .owner = 1000, .reader = 1000}) == std::nullopt);
    CHECK(reason_to_distrust({.mode = 0100600, .owner = 1001, .reader = 1000}) ==
        "declares kinds and belongs to user 1001, who could choose what is executed; "
        "root or the user who runs jobrunner was expected; mend it with: chown");
    CHECK(reason_to_distrust({.mode = 0100600, .owner = 1001, .reader = 0}).has_value());
}

TEST_CASE("file trust: nobody but the owner may write a file of kinds")
{
    CHECK(reason_to_distrust({.mode = 0100664, .owner = 0, .reader = 0}).has_value());
    CHECK(reason_to_distrust({.mode = 0100646, .owner = 0, .reader = 0}).has_value());
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a file that others may write is refused when it declares kinds")
{
    const auto file = write(kind);
    std::filesystem::permissions(file, std::filesystem::perms(0664));

    CHECK_THROWS_WITH_AS((void)load_config(file),
        (file.string() +
            ": declares kinds and may be written by group or others, who could choose what is "
            "executed; mend it with: chmod go-w")
            .c_str(),
        Error);

    std::filesystem::permissions(file, std::filesystem::perms(0644));
    CHECK(load_config(file).kinds.size() == 1);
}

TEST_CASE_FIXTURE(ConfigFixture, "load: a file without kinds may be written by others")
{
    const auto file = write(no_kind);
    std::filesystem::permissions(file, std::filesystem::perms(0666));

    CHECK(load_config(file).worker.slots == 1);
}
