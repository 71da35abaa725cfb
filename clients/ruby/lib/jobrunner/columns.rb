# frozen_string_literal: true

require "json"
require "time"

module Jobrunner
  # What an application may say of a job that it enqueues: names, types, and one shape for times.
  module Columns
    ON_CONFLICT = %w[skip replace merge].freeze

    TEXT = lambda do |field, value|
      Expect.that(value.is_a?(String) || value.is_a?(Symbol), field, value, "a string")
      value.to_s
    end
    WHOLE = lambda do |field, value|
      Expect.that(value.is_a?(Integer), field, value, "a whole number")
      value
    end
    OBJECT = lambda do |field, value|
      Expect.that(value.is_a?(Hash), field, value, "a hash")
      Expect.json(field, value)
      value
    end
    SECONDS = lambda do |field, value|
      # ActiveSupport's durations are numbers to whoever asks.
      number = value.is_a?(Numeric) || value.respond_to?(:in_seconds)
      Expect.that(number && value.to_f.finite? && value.to_f >= 0, field, value, "a number of seconds")
      value.to_f
    end
    # UTC with milliseconds, which both databases read the same way.
    INSTANT = lambda do |field, value|
      time = value.respond_to?(:to_time) && !value.is_a?(String) ? value.to_time : value
      Expect.that(time.is_a?(Time), field, value, "a Time")
      time.getutc.strftime("%Y-%m-%dT%H:%M:%S.%LZ")
    end

    def self.list_of(check)
      lambda do |field, value|
        Expect.that(value.is_a?(Array), field, value, "an array")
        value.each_with_index.map { |one, place| check.call("#{field}[#{place}]", one) }
      end
    end

    CHECKS = {
      kind: TEXT, args: OBJECT, queue: TEXT, priority: WHOLE, run_at: INSTANT, run_in: SECONDS,
      max_attempts: WHOLE, timeout: SECONDS, expires_at: INSTANT, unique_key: TEXT, concurrency_key: TEXT,
      cost: WHOLE, serial_key: TEXT, fair_key: TEXT, requires: list_of(TEXT), affinity_key: TEXT,
      depends_on: list_of(WHOLE), on_dependency_failure: TEXT, batch_id: WHOLE, tags: list_of(TEXT), meta: OBJECT,
      traceparent: TEXT
    }.freeze

    # The columns of one job with values that are JSON. Those that are nil are left to their defaults.
    def self.checked(job)
      Expect.that(job.is_a?(Hash), "job", job, 'a hash such as { kind: "mail.send", args: {} }')
      columns = job.to_h do |name, value|
        check = CHECKS[name.to_sym]
        Expect.that(check, "job", name, "one of #{CHECKS.keys.join(', ')}")
        [name.to_sym, value.nil? ? nil : check.call(name, value)]
      end.compact
      Expect.that(columns.key?(:kind), "kind", nil, "the name of a kind")
      both = columns.key?(:run_at) && columns.key?(:run_in)
      Expect.that(!both, "run_in", columns[:run_in], "nothing beside run_at")
      columns
    end
  end
end
