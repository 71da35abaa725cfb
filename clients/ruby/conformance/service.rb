#!/usr/bin/env ruby
# frozen_string_literal: true

# The kinds that every client's conformance service has; clients/conformance says what they must answer.
require_relative "../lib/jobrunner"

class Broken < StandardError; end

# Ends for all when as many as `party` have come.
class Meeting
  def initialize(party)
    @party = party
    @lock = Mutex.new
    @changed = ConditionVariable.new
    @here = 0
  end

  def wait(seconds)
    @lock.synchronize do
      @here += 1
      @changed.broadcast
      @changed.wait(@lock, seconds) while @here < @party
    end
  end
end

service = Jobrunner::Service.new(concurrency: Integer(ENV.fetch("CONFORMANCE_CONCURRENCY", "1")))
meetings = {}
meetings_lock = Mutex.new

service.on("echo", &:args)
service.on("nothing") { nil }
service.on("add") { |job| { sum: job.args["a"] + job.args["b"] } }

service.on("context") do |job|
  limit = job.remaining_ms
  { id: job.id, kind: job.kind, queue: job.queue, attempt: job.attempt, max_attempts: job.max_attempts,
    token: job.token, traceparent: job.traceparent, in_time: limit && (limit.positive? && limit <= 60_000),
    cancelled: job.cancelled? }
end

service.on("fail") { |job| raise Broken, job.args["message"] }
service.on("fail_for_good") { |job| job.fail("no such account", retry: false, error_class: "NoAccount") }
service.on("fail_later") { |job| job.fail("busy", retry_in: 60_000) }

service.on("fail_swallowed") do |job|
  begin
    job.fail("meant so", retry: false)
  rescue Exception # rubocop:disable Lint/RescueException
    nil
  end
  { went: "on" }
end

service.on("snooze") { |job| job.snooze(job.args["ms"]) }

service.on("progress") do |job|
  job.progress(40, "half way")
  job.progress(80)
  job.progress(nil, "nearly there")
  nil
end

service.on("checkpoint") do |job|
  if job.checkpoint.nil?
    job.checkpoint = { page: job.args["page"] }
    raise Broken, "after the checkpoint"
  end
  job.checkpoint
end

service.on("steps") do |job|
  rendered = job.step("render") do
    job.log("rendering")
    { pages: 3 }
  end
  job.checkpoint = { own: true }
  sent = job.step("send") do
    raise Broken, "not sent" if job.attempt == 1

    "sent #{rendered['pages']}"
  end
  { sent: sent, own: job.checkpoint }
end

service.on("log") do |job|
  job.log(job.args["line"])
  nil
end

service.on("extend") do |job|
  job.extend(30_000)
  { longer: job.remaining_ms > 30_000 }
end

service.on("slow") do |job|
  job.log("started")
  stopped = job.wait(60_000)
  job.log(stopped && job.cancelled? ? "cancelled" : "waited in vain")
  job.check_cancelled
end

service.on("print") do
  puts "a stray print"
  system("echo", "a stray child")
  IO.for_fd(1, autoclose: false).syswrite("a stray write\n")
  nil
end

service.on("meet") do |job|
  party = job.args["party"]
  meetings_lock.synchronize { meetings[party] ||= Meeting.new(party) }.wait(10)
  { met: party }
end

# Twice each job's n, all of them at once. One below 0 fails, one of 13 fails them all.
service.on_chunk("twice") do |jobs|
  numbers = jobs.map { |job| job.args["n"] }
  raise Broken, "thirteen" if numbers.include?(13)

  numbers.map { |n| n.negative? ? Broken.new("below 0") : { twice: 2 * n, of: jobs.length } }
end

service.on_chunk("log_all") do |jobs|
  jobs.each { |job| job.log("one of #{jobs.length}") }
  nil
end

service.on("no_json") { { nothing: Float::NAN } }
service.on("huge_result") { |job| { text: "x" * job.args["length"] } }

service.on("bad_argument") do |job|
  job.progress(101)
rescue ArgumentError => e
  { names: e.message.include?("percent"), expects: e.message.include?("from 0 to 100") }
end

service.run
