# frozen_string_literal: true

require "monitor"

module Jobrunner
  # One attempt of one job, as its handler sees it.
  #
  # Threads: all methods may be called from any thread until the handler returns; after that they raise.
  # Times: numbers are milliseconds.
  class Job
    attr_reader :id, :kind, :queue, :args, :attempt, :max_attempts, :token, :traceparent

    # `say` is called with a message and the name of the field that is to blame if it is no JSON.
    def initialize(message, schema: "jobrunner", &say)
      Expect.that(message["kind"].is_a?(String), "kind", message["kind"], "a string")
      Expect.that(message["args"].is_a?(Hash), "args", message["args"], "an object")
      @id, @kind, @queue, @args, @attempt, @max_attempts, @token, @traceparent, limit, @checkpoint =
        message.values_at("id", "kind", "queue", "args", "attempt", "max_attempts", "token", "traceparent",
                          "deadline_ms", "checkpoint")
      @deadline = limit && (now + (limit / 1000.0))
      @say = say
      @schema = schema
      @lock = Monitor.new
      @cancelled_now = @lock.new_cond
    end

    # The instant of Process::CLOCK_MONOTONIC, in seconds, at which the attempt times out, or nil.
    attr_reader :deadline

    # How long the attempt may still take, never below 0; nil without a timeout.
    def remaining_ms
      @deadline && [0, (@deadline - now) * 1000].max
    end

    def cancelled?
      @lock.synchronize { @cancelled || false }
    end

    # Raises Cancelled if the job is to stop; for loops.
    def check_cancelled
      raise Cancelled, "the job was asked to stop" if cancelled?
    end

    # Sleeps, but not longer than until the job is to stop. Returns whether it is.
    def wait(wait_ms)
      until_then = now + (Expect.milliseconds("wait_ms", wait_ms) / 1000.0)
      @lock.synchronize do
        @cancelled_now.wait(until_then - now) while !@cancelled && now < until_then
        @cancelled || false
      end
    end

    def cancel
      @lock.synchronize do
        @cancelled = true
        @cancelled_now.broadcast
      end
    end

    def progress(percent = nil, note = nil)
      message = { type: "progress", id: @id }
      unless percent.nil?
        fits = Expect.number?(percent) && percent.between?(0, 100)
        Expect.that(fits, "percent", percent, "a number from 0 to 100")
        message[:percent] = percent
      end
      message[:note] = note.to_s unless note.nil?
      tell(message, "note")
    end

    # A line of the job's own output, also while others run beside it.
    def log(line)
      tell({ type: "log", id: @id, line: line.to_s.scrub }, "line")
    end

    # Asks for more time.
    def extend(by_ms)
      by_ms = Expect.milliseconds("by_ms", by_ms)
      tell({ type: "extend", id: @id, by_ms: by_ms }, "by_ms")
      @lock.synchronize { @deadline += by_ms / 1000.0 if @deadline }
    end

    # What an earlier attempt, or this one, kept; nil if nothing. The results of steps are not part of it.
    def checkpoint
      return @checkpoint unless @checkpoint.is_a?(Hash)

      own = @checkpoint.reject { |name, _| name == "steps" }
      own.empty? ? nil : own
    end

    def checkpoint=(value)
      Expect.that(value.is_a?(Hash), "checkpoint", value, "a hash")
      value = value.transform_keys(&:to_s)
      Expect.that(!value.key?("steps"), "checkpoint", value, 'no member "steps", which Job#step keeps there,')
      @lock.synchronize do
        steps = @checkpoint.is_a?(Hash) ? @checkpoint["steps"] : nil
        keep(steps ? value.merge("steps" => steps) : value)
      end
    end

    # The block's value, which is JSON, from the attempt that first finished it: done steps are not done again.
    def step(name)
      name = name.to_s
      Expect.that(name != "", "name", name, "the step's name")
      done = @lock.synchronize { steps_done }
      return done[name] if done.key?(name)

      # As the next attempt will see it, with strings for symbols.
      value = JSON.parse(Expect.json("step #{name}", yield), max_nesting: false)
      @lock.synchronize { keep((@checkpoint || {}).merge("steps" => steps_done.merge(name => value))) }
      value
    end

    # Ends the attempt; the job runs later, at no cost of attempts.
    def snooze(in_ms)
      leave({ type: "snooze", id: @id, in_ms: Expect.milliseconds("in_ms", in_ms) })
    end

    # Ends the attempt as failed; without retry the job is dead. retry_in: milliseconds.
    def fail(message, retry: true, retry_in: nil, error_class: nil)
      again = binding.local_variable_get(:retry)
      Expect.that([true, false].include?(again), "retry", again, "true or false")
      ending = { type: "fail", id: @id, error: message.to_s.scrub, retry: again }
      ending[:class] = error_class.to_s if error_class
      ending[:retry_in_ms] = Expect.milliseconds("retry_in", retry_in) unless retry_in.nil?
      leave(ending)
    end

    # Completes the job in the transaction that `connection` has open: its effects and the completion commit
    # together or not at all. Commit, then return. Raises StaleClaim if the claim is lost.
    def complete_in(connection, result = nil, schema: @schema)
      Database.complete(connection, @token, result, schema)
      settled("complete_in")
    end

    # Fails the attempt in the transaction that `connection` has open; as complete_in.
    def fail_in(connection, message, error_class: nil, schema: @schema)
      Database.fail(connection, @token, message.to_s.scrub, error_class&.to_s, schema)
      settled("fail_in")
    end

    # Says how the attempt ended, once; what the handler decided itself comes first.
    def finish(message)
      @lock.synchronize do
        return if @over

        said = @end || (message[:type] == "done" && @unless_committed) || message
        begin
          @say.call(said, said[:type] == "done" ? "result" : "error")
        rescue ValueError => e
          @say.call({ type: "fail", id: @id, error: e.message, class: e.class.name }, "error")
        end
        @over = true
      end
    end

    private

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # If the transaction was committed, the worker finds the job settled by itself, whatever is said here. If not, the
    # job has not been done, and must not be called so.
    def settled(call)
      @unless_committed = { type: "fail", id: @id, class: "NotCommitted",
                            error: "the handler ended, but the transaction of its #{call} was not committed" }
    end

    def steps_done
      object = @checkpoint.nil? || @checkpoint.is_a?(Hash)
      Expect.that(object, "checkpoint", @checkpoint, "an object, beside whose members steps are kept,")
      done = (@checkpoint || {})["steps"] || {}
      Expect.that(done.is_a?(Hash), "checkpoint.steps", done, "an object")
      done
    end

    def leave(ending)
      @end = ending
      raise JobEnded
    end

    def keep(checkpoint)
      tell({ type: "progress", id: @id, checkpoint: checkpoint }, "checkpoint")
      @checkpoint = checkpoint
    end

    def tell(message, field)
      @lock.synchronize do
        raise "job #{@id} has ended; nothing more can be said of it" if @over

        @say.call(message, field)
      end
    end
  end
end
