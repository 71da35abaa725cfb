# frozen_string_literal: true

require "minitest/autorun"
require_relative "../lib/jobrunner"

class JobTest < Minitest::Test
  def end_of(args = {}, **rest, &handler)
    Jobrunner::Service.new.on("kind", handler).perform("kind", args, **rest).last
  end

  def test_a_handlers_rescue_does_not_hide_its_end
    ending = end_of do |job|
      job.fail("no", retry: false)
    rescue StandardError
      "hidden"
    end
    assert_equal({ "type" => "fail", "id" => "1", "error" => "no", "retry" => false }, ending)
  end

  def test_exit_in_a_handler_is_a_failure
    assert_equal "SystemExit", end_of { exit(3) }["class"]
  end

  def test_the_backtrace_names_the_cause
    ending = end_of do
      {}.fetch("absent")
    rescue KeyError
      raise "outer"
    end
    assert_equal %w[RuntimeError outer], ending.values_at("class", "error")
    assert(ending["backtrace"].any? { |line| line.include?("caused by KeyError") })
  end

  def test_an_error_that_is_no_text_is_told_all_the_same
    assert_equal "bad \uFFFD byte", end_of { raise "bad \xFF byte".b }["error"]
  end

  def test_nothing_is_said_after_the_end
    kept = nil
    end_of { |job| kept = job }
    error = assert_raises(RuntimeError) { kept.log("late") }
    assert_match(/job 1 has ended/, error.message)
  end

  def test_wait_ends_when_the_job_is_to_stop
    ending = end_of do |job|
      Thread.new { job.cancel }
      [job.wait(60_000), job.cancelled?]
    end
    assert_equal [true, true], ending["result"]
  end

  def test_remaining_time_counts_down_and_grows_by_extend
    ending = end_of(deadline_ms: 1000) do |job|
      before = job.remaining_ms
      job.extend(5000)
      [before <= 1000, job.remaining_ms > 5000]
    end
    assert_equal [true, true], ending["result"]
  end

  def test_a_step_gives_what_the_next_attempt_will_be_given
    assert_equal({ "pages" => 3 }, end_of { |job| job.step(:render) { { pages: 3 } } }["result"])
  end

  def test_values_that_are_wrong_are_named
    {
      'percent is "x"; a number from 0 to 100' => ->(job) { job.progress("x") },
      "by_ms is NaN" => ->(job) { job.extend(Float::NAN) },
      "checkpoint is [1]; a hash" => ->(job) { job.checkpoint = [1] },
      'no member "steps"' => ->(job) { job.checkpoint = { steps: 1 } },
      'name is ""' => ->(job) { job.step("") { 1 } },
      "retry is 1; true or false" => ->(job) { job.fail("x", retry: 1) },
      "checkpoint makes a message of 11" => ->(job) { job.checkpoint = { text: "x" * 1_100_000 } }
    }.each { |words, call| assert_includes end_of(&call)["error"], words }
  end

  def test_a_service_refuses_what_it_cannot_be
    service = Jobrunner::Service.new.on("twice") { nil }
    {
      "concurrency is 0; a whole number" => -> { Jobrunner::Service.new(concurrency: 0) },
      'kind is ""' => -> { service.on("") { nil } },
      "handler is nil; a block" => -> { service.on("a") },
      "a kind without a handler" => -> { service.on("twice") { nil } }
    }.each do |words, call|
      assert_includes assert_raises(Jobrunner::ValueError, &call).message, words
    end
  end
end
