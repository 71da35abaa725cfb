#include "config/database_url.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

namespace {

std::string refusal(const std::string& url)
{
    try {
        check_database_url(url);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("database URL: PostgreSQL and SQLite are known")
{
    for (const auto* url : {"postgresql:///shop", "postgres://u@h:5432/db", "postgresql://",
             "sqlite:///var/lib/j.db", "sqlite:///./j.db", "sqlite:j.db", "sqlite:../j.db"}) {
        CAPTURE(url);
        CHECK_NOTHROW(check_database_url(url));
    }
}

TEST_CASE("database URL: others are refused without what may be secret")
{
    CHECK(refusal("mysql://root:hunter2@db/shop") ==
        "\"mysql://\" is no kind of database that jobrunner knows; "
        "postgresql://user@host/database or sqlite:///path was expected");
    CHECK(refusal("host=db password=hunter2").find("hunter2") == std::string::npos);
    CHECK(refusal("").starts_with("the text is no URL;"));
    CHECK(refusal("sqlite:").starts_with("\"sqlite:\" names no file;"));
    CHECK(refusal("sqlite:///").starts_with("\"sqlite:///\" names no file"));
    CHECK(refusal("sqlite:///tmp/").starts_with("\"sqlite:///tmp/\" names no file"));
    CHECK(refusal("sqlite://j.db")
              .starts_with("\"sqlite://j.db\" names no file (an absolute path has three slashes);"));
}

TEST_CASE("redact: passwords never show, whatever they are made of")
{
    CHECK(redact_url("postgresql://u:hunter2@h/db") == "postgresql://u:***@h/db");
    CHECK(redact_url("postgresql://u:hun@ter/2@h/db") == "postgresql://u:***@h/db");
    CHECK(redact_url("postgresql://:hunter2@h/db") == "postgresql://:***@h/db");
    CHECK(redact_url("postgresql://u@h/db?password=hunter2&sslmode=require") ==
        "postgresql://u@h/db?password=***");
    CHECK(redact_url("postgresql://u@h/db?sslmode=require&p%61ssword=hun@ter?2") ==
        "postgresql://u@h/db?sslmode=require&p%61ssword=***");
    CHECK(redact_url("postgresql://u:hun?ter2@h/db") == "postgresql://u:***@h/db");
    CHECK(redact_url("postgresql://u:x@h:5432/db?sslpassword=hun:t@er2") ==
        "postgresql://u:***@h:5432/db?sslpassword=***");
    CHECK(redact_url("host=h password=hunter2") == "***");
}

TEST_CASE("redact: what holds no password stays as it is")
{
    for (const auto* url : {"postgresql:///shop", "postgresql://u@h:5432/db?sslmode=require",
             "postgresql://h:5432/db", "sqlite:///var/lib/j.db", "sqlite:j.db"}) {
        CHECK(redact_url(url) == url);
    }
}

TEST_CASE("without password: the URL stays usable")
{
    CHECK(without_password("postgresql://u:hunter2@h:5432/db") == "postgresql://u@h:5432/db");
    CHECK(without_password("postgres://u@h/db?password=hunter2") == "postgres://u@h/db");
    CHECK(without_password("postgresql://u:x@h/db?password=y&sslmode=require&sslpassword=z") ==
        "postgresql://u@h/db?sslmode=require");
    CHECK(without_password("postgresql://h:5432/db?application_name=a@b") ==
        "postgresql://h:5432/db?application_name=a@b");
    CHECK(without_password("postgresql:///shop") == "postgresql:///shop");
    CHECK(without_password("sqlite:///a/b") == "sqlite:///a/b");
}

TEST_CASE("resolve: a relative SQLite file starts at the directory")
{
    CHECK(resolve_database_url("sqlite:j.db", "/etc/jobrunner") == "sqlite:///etc/jobrunner/j.db");
    CHECK(resolve_database_url("sqlite:///./j.db", "/etc/jobrunner") == "sqlite:///etc/jobrunner/j.db");
    CHECK(resolve_database_url("sqlite:../j.db", "/etc/jobrunner") == "sqlite:///etc/j.db");
    CHECK(resolve_database_url("sqlite:///var/j.db", "/etc/jobrunner") == "sqlite:///var/j.db");
    CHECK(resolve_database_url("sqlite:/var/j.db", "/etc/jobrunner") == "sqlite:///var/j.db");
    CHECK(resolve_database_url("postgresql:///shop", "/etc/jobrunner") == "postgresql:///shop");
}

TEST_CASE("choose database: the flag wins over the environment, and that over the file")
{
    CHECK(choose_database({"sqlite:flag", "sqlite:variable", "sqlite:file"}) == "sqlite:flag");
    CHECK(choose_database({std::nullopt, "sqlite:variable", "sqlite:file"}) == "sqlite:variable");
    CHECK(choose_database({std::nullopt, "", "sqlite:file"}) == "sqlite:file");
}

TEST_CASE("choose database: no database at all names the three places")
{
    CHECK_THROWS_WITH_AS((void)choose_database({std::nullopt, "", ""}),
        "no database is named; give --database URL, set $JOBRUNNER_DATABASE, or write database = \"URL\" in "
        "jobrunner.toml",
        Error);
}

TEST_CASE("choose database: a wrong URL names where it came from")
{
    CHECK_THROWS_WITH_AS((void)choose_database({std::nullopt, "mysql://u:p@h", "sqlite:file"}),
        "$JOBRUNNER_DATABASE: \"mysql://\" is no kind of database that jobrunner knows; "
        "postgresql://user@host/database or sqlite:///path was expected",
        Error);
}
