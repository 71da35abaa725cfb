#include "worker/limited_claims.hpp"

#include "cli/fake_storage.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

class LinesStorage final : public tests::FakeStorage {
public:
    LimitedRequest asked;
    LimitedClaim answer;

    LimitedClaim claim_limited(const LimitedRequest& request) override
    {
        asked = request;
        return answer;
    }
};

ClaimRequest request_of(int limit)
{
    ClaimRequest request;
    request.worker = 1;
    request.batch = 5;
    request.limit = limit;
    request.lanes = {{{"default", 0}, 0, limit}};
    return request;
}

} // namespace

TEST_CASE("limited claims: nobody is asked where there are no limits")
{
    LimitedClaims limited;
    CHECK_FALSE(limited.wanted(true));

    CHECK(limited.learn(true, false));
    CHECK(limited.wanted(true));
    CHECK_FALSE(limited.wanted(false));
    CHECK_FALSE(limited.learn(true, true));
    CHECK(limited.wanted(false));
    CHECK_FALSE(limited.learn(false, true)); // the last limit was removed, and its line is to be let go
    CHECK(limited.wanted(false));
}

TEST_CASE(
    "limited claims: lanes are looked into as far as is claimed, and further where limited jobs come up")
{
    LinesStorage storage;
    LimitedClaims limited;
    limited.learn(true, false);
    auto request = request_of(10);
    storage.answer.lanes = {{{"default", 0}, 0, 4}};
    storage.answer.moved = 6;

    CHECK(limited.claim(storage, request, {}, {}).empty());
    CHECK(storage.asked.look_at == 10);
    CHECK(request.lanes.at(0).limit == 4);
    CHECK(limited.moved());
    CHECK(limited.wanted(false)); // they stand in lines now

    storage.answer.moved = 0;
    storage.answer.last_line = "3:";
    static_cast<void>(limited.claim(storage, request, {}, {}));
    CHECK(storage.asked.look_at == 2000);
    static_cast<void>(limited.claim(storage, request, {}, {}));
    CHECK(storage.asked.look_at == 10);
    CHECK(storage.asked.after_line == "3:");
    CHECK_FALSE(limited.wanted(false));
}

TEST_CASE("limited claims: without limits only lines are emptied, and lanes are left as they are")
{
    LinesStorage storage;
    LimitedClaims limited;
    limited.learn(false, true);
    auto request = request_of(10);

    static_cast<void>(limited.claim(storage, request, {}, {}));

    CHECK(storage.asked.lanes.empty());
    CHECK(request.lanes.size() == 1);
}

TEST_CASE("limited claims: says when to ask again")
{
    LinesStorage storage;
    LimitedClaims limited;
    limited.learn(true, true);
    auto request = request_of(10);
    CHECK_FALSE(limited.waits());

    storage.answer.again = 1h;
    storage.answer.has_lines = true;
    static_cast<void>(limited.claim(storage, request, {}, {}));
    CHECK(limited.waits());
    CHECK(limited.next() > LimitedClaims::Clock::now() + 50min);

    storage.answer.again.reset();
    storage.answer.busy = true;
    static_cast<void>(limited.claim(storage, request, {}, {}));
    CHECK(limited.next() < LimitedClaims::Clock::now() + 1s);

    limited.learn(true, false);
    CHECK_FALSE(limited.waits());
}
