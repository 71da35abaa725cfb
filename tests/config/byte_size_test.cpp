#include "config/byte_size.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

TEST_CASE("byte size: every unit is read")
{
    CHECK(parse_byte_size("0B") == 0);
    CHECK(parse_byte_size("100B") == 100);
    CHECK(parse_byte_size("1KB") == 1'000);
    CHECK(parse_byte_size("3MB") == 3'000'000);
    CHECK(parse_byte_size("1GB") == 1'000'000'000);
    CHECK(parse_byte_size("2TB") == 2'000'000'000'000);
    CHECK(parse_byte_size("64KiB") == 65'536);
    CHECK(parse_byte_size("512MiB") == 536'870'912);
    CHECK(parse_byte_size("8GiB") == 8'589'934'592);
    CHECK(parse_byte_size("1TiB") == 1'099'511'627'776);
}

TEST_CASE("byte size: anything else is refused with the text")
{
    const std::string expected = "\" is not a number of bytes such as 512MiB, 64KiB, 1GB or 100B";
    for (const auto* text : {"", "MiB", "512", "-1B", "+1B", "1.5GiB", "1 KiB", "1kib", "1KiBs", " 1B",
             "8388608TiB", "99999999999999999999B"}) {
        CAPTURE(text);
        CHECK_THROWS_WITH_AS(
            (void)parse_byte_size(text), std::string(1, '"').append(text).append(expected).c_str(), Error);
    }
}

TEST_CASE("byte size: what is written reads back as the same number")
{
    CHECK(format_byte_size(0) == "0B");
    CHECK(format_byte_size(1000) == "1000B");
    CHECK(format_byte_size(65'536) == "64KiB");
    CHECK(format_byte_size(1ULL << 40) == "1TiB");
    for (const std::uint64_t bytes : {1ULL, 1023ULL, 1536ULL, 3ULL << 20, 5'000'000'000ULL}) {
        CHECK(parse_byte_size(format_byte_size(bytes)) == bytes);
    }
}
