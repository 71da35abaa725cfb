# frozen_string_literal: true

module Jobrunner
  # The job is another claim's by now, or settled already. The transaction that was told so cannot commit.
  class StaleClaim < StandardError; end

  # Raised by Job#check_cancelled: the job was cancelled, or its time is over.
  class Cancelled < StandardError; end

  # A value that is not what was expected; the message names its field.
  class ValueError < ArgumentError; end

  # Leaves a handler whose end is settled (snooze, fail). No StandardError, so that no handler's `rescue => error`
  # goes on by mistake; an exception, so that transactions around it roll back.
  class JobEnded < Exception; end # rubocop:disable Lint/InheritException

  # Checks of what callers pass.
  module Expect
    YEAR_MS = 366 * 86_400_000

    module_function

    def that(condition, field, value, expected)
      return if condition

      text = value.inspect
      text = "#{text[0, 57]}..." if text.length > 60
      raise ValueError, "#{field} is #{text}; #{expected} was expected"
    end

    def number?(value)
      (value.is_a?(Integer) || value.is_a?(Float)) && value.to_f.finite?
    end

    # A length as the protocol writes it.
    def milliseconds(field, value)
      that(number?(value) && value.between?(0, YEAR_MS), field, value, "a number of milliseconds from 0 to a year")
      value.round
    end

    # Raises ValueError that names `field` for what is no JSON.
    def json(field, value)
      JSON.generate(value, max_nesting: 0)
    rescue JSON::GeneratorError, EncodingError, SystemStackError => e
      raise ValueError, "#{field} is no JSON: #{e.message.scrub[0, 300]}"
    end
  end
end
