# frozen_string_literal: true

require "json"
require "monitor"

module Jobrunner
  # A process that takes many jobs: handlers by kind, run for the worker at the other end of standard input and output.
  class Service
    # How a worker begins a job's line: enough to fail the job whose line cannot be read.
    JOB_LINE = /\A\{"type":"job","id":"([0-9]+)"/n.freeze
    CHUNK_LINE = /\A\{"type":"jobs","jobs":\[/n.freeze
    JOB_IN_CHUNK = /[\[,]\{"type":"job","id":"([0-9]+)"/n.freeze
    ERROR_CHARACTERS_MAX = 64 * 1024
    BACKTRACE_LINES_MAX = 200

    # concurrency: how many jobs run at a time, each in a thread of its own.
    # schema: where complete_in finds jobrunner's functions in PostgreSQL.
    def initialize(concurrency: 1, schema: "jobrunner")
      fits = concurrency.is_a?(Integer) && concurrency.between?(1, 10_000)
      Expect.that(fits, "concurrency", concurrency, "a whole number from 1 to 10000")
      @concurrency = concurrency
      @schema = schema
      @handlers = {}
      @chunk_handlers = {}
      @running = {}
      @unsaid = 0 # jobs whose end has not been said
      @waiting = Queue.new
      @lock = Monitor.new
      @changed = @lock.new_cond
    end

    # Registers a handler, which is given a Job; what it returns is the result.
    def on(kind, handler = nil, &block)
      register(@handlers, kind, handler || block)
    end

    # Registers a handler that is given an array of Jobs. It returns an array with what became of each, in their order: its
    # result, or an exception, which fails it; or nil, and all are done. What it raises fails all of them that have not
    # ended by themselves.
    def on_chunk(kind, handler = nil, &block)
      register(@chunk_handlers, kind, handler || block)
    end

    # Serves until the worker says shutdown or goes away, and what runs has ended. Then returns.
    def run
      @channel = Channel.on_standard_streams
      @concurrency.times { start_thread { loop { serve(@waiting.pop) } } }
      @channel.say({ type: "ready", concurrency: @concurrency })
      # Reading goes on beside the last jobs, which may still be cancelled.
      start_thread do
        @channel.each_line { |line| take(line) }
      ensure
        stop
      end
      @lock.synchronize { @changed.wait_until { @stopping && @unsaid.zero? } }
    end

    # For tests: runs a job without a worker. Returns the messages that were said; the last is its end.
    def perform(kind, args = {}, **rest)
      said = []
      message = { "id" => "1", "kind" => kind, "args" => args, "queue" => "default", "attempt" => 1,
                  "max_attempts" => 25, "token" => "1.1.1", **rest.transform_keys(&:to_s) }
      # As the worker would send it, with strings for symbols.
      message = JSON.parse(JSON.generate(message))
      job = Job.new(message, schema: @schema) { |line, field| said << JSON.parse(Channel.encode(line, field)) }
      job.finish(results_of([job]).first)
      said
    end

    private

    def register(handlers, kind, handler)
      kind = kind.to_s
      Expect.that(kind != "", "kind", kind, "the name of a kind")
      Expect.that(handler.respond_to?(:call), "handler", handler, "a block or something to call")
      known = @handlers.key?(kind) || @chunk_handlers.key?(kind)
      Expect.that(!known, "kind", kind, "a kind without a handler")
      handlers[kind] = handler
      self
    end

    def start_thread(&block)
      Thread.new(&block).tap { |thread| thread.report_on_exception = true }
    end

    def stop
      @lock.synchronize do
        @stopping = true
        @changed.broadcast
      end
    end

    def take(line)
      message = JSON.parse(line.dup.force_encoding(Encoding::UTF_8), max_nesting: false)
      case message.is_a?(Hash) && message["type"]
      when "job" then accept([message])
      when "jobs" then accept(message["jobs"])
      when "cancel" then @lock.synchronize { @running[message["id"]] }&.cancel
      when "shutdown" then stop
      else complain("its type is none of job, jobs, cancel and shutdown")
      end
    rescue StandardError, SystemStackError => e # a line must not end the service
      complain(e.message.scrub[0, 300])
      named = line.b.scan(CHUNK_LINE.match?(line.b) ? JOB_IN_CHUNK : JOB_LINE).flatten
      named.each { |id| refuse(id, "the service cannot read the job: #{e.message.scrub[0, 300]}") }
    end

    def accept(messages)
      jobs = messages.filter_map { |message| job_of(message) }
      if jobs.any? && @chunk_handlers.key?(jobs.first.kind)
        @waiting << jobs
      else
        jobs.each { |job| @waiting << [job] }
      end
    end

    def job_of(message)
      id = message["id"]
      return complain("its id is no string") unless id.is_a?(String)

      begin
        job = Job.new(message, schema: @schema) { |line, field| @channel.say(line, field) }
      rescue ValueError => e
        return refuse(id, "the service cannot read the job: #{e.message}")
      end
      @lock.synchronize do
        return complain("job #{id} runs already") if @running.key?(id)

        @running[id] = job
        @unsaid += 1
      end
      job
    end

    def refuse(id, why)
      @channel.say({ type: "fail", id: id, error: why, class: "BadMessage" })
      nil
    end

    def complain(why)
      $stderr.write("jobrunner: a message was passed over: #{why}\n")
      nil
    end

    def serve(jobs)
      jobs.zip(results_of(jobs)) do |job, ending|
        # Out of the book before its end is said: the worker may send the job's next attempt at once.
        @lock.synchronize { @running.delete(job.id) }
        job.finish(ending)
        @lock.synchronize do
          @unsaid -= 1
          @changed.broadcast
        end
      end
    end

    def results_of(jobs)
      handler = @chunk_handlers[jobs.first.kind]
      return [result_of(jobs.first)] unless handler

      results = handler.call(jobs)
      results = [nil] * jobs.length if results.nil?
      fits = results.is_a?(Array) && results.length == jobs.length
      Expect.that(fits, "the chunk's result", results.class, "an array of #{jobs.length}, or nil,")
      jobs.zip(results).map { |job, result| result.is_a?(Exception) ? failure(job.id, result) : done(job, result) }
    rescue Exception => e # rubocop:disable Lint/RescueException -- whatever it is, the jobs have an end
      jobs.map { |job| failure(job.id, e) }
    end

    def done(job, result)
      result.nil? ? { type: "done", id: job.id } : { type: "done", id: job.id, result: result }
    end

    def result_of(job)
      handler = @handlers[job.kind]
      return unknown(job) unless handler

      done(job, handler.call(job))
    rescue JobEnded
      nil
    rescue Exception => e # rubocop:disable Lint/RescueException -- whatever it is, the job has an end
      failure(job.id, e)
    end

    def unknown(job)
      kinds = (@handlers.keys + @chunk_handlers.keys).sort
      known = kinds.empty? ? "none" : kinds.join(", ")
      { type: "fail", id: job.id, retry: false, class: "UnknownKind",
        error: "this service has no handler for the kind \"#{job.kind}\"; it has: #{known}" }
    end

    def failure(id, error)
      lines = []
      cause = error
      while cause && lines.length < BACKTRACE_LINES_MAX
        lines << "caused by #{cause.class}: #{text_of(cause)}" unless cause.equal?(error)
        lines.concat(cause.backtrace || [])
        cause = cause.cause
      end
      { type: "fail", id: id, error: text_of(error), class: error.class.name || "anonymous class",
        backtrace: lines.first(BACKTRACE_LINES_MAX).map { |line| line.scrub[0, 1000] } }
    end

    def text_of(error)
      error.message.to_s.dup.force_encoding(Encoding::UTF_8).scrub[0, ERROR_CHARACTERS_MAX]
    end
  end
end
