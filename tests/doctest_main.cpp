#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "support/skip.hpp"

#include <atomic>
#include <iostream>
#include <string_view>

namespace {

constexpr int exit_skipped = 77;
std::atomic<unsigned> skipped_cases{0};

// Counts the test cases that carry doctest::skip().
struct SkipCounter : doctest::IReporter {
    explicit SkipCounter(const doctest::ContextOptions&) {}
    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& run) override
    {
        skipped_cases += run.numTestCases - run.numTestCasesPassingFilters;
    }
    void test_case_start(const doctest::TestCaseData&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}
};

} // namespace

REGISTER_LISTENER("skip_counter", 1, SkipCounter);

void jobrunner::tests::note_skipped(std::string_view reason)
{
    std::cout << "SKIPPED: " << reason << std::endl;
    ++skipped_cases;
}

int main(int argc, char** argv)
{
    doctest::Context context(argc, argv);
    const int result = context.run();

    // With arguments, what is left out was left out on purpose.
    const bool ran_everything = argc == 1;
    return result == 0 && ran_everything && skipped_cases > 0 ? exit_skipped : result;
}
