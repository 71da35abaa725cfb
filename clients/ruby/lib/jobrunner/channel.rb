# frozen_string_literal: true

require "json"

module Jobrunner
  # The lines of JSON between a service and its worker. Threads: say may be called from any, each_line from one.
  class Channel
    LINE_BYTES_MAX = (1024 * 1024) - 1

    # Takes standard input and output for itself. What the process or its children print to standard output from now
    # on goes to standard error, and nobody else can read the worker's messages.
    def self.on_standard_streams
      input = $stdin.dup
      output = $stdout.dup
      $stdout.flush
      $stdout.reopen($stderr)
      $stdout.sync = true
      $stdin.reopen(File::NULL)
      new(input, output)
    end

    # The line of a message. Raises ValueError that names `field` for what is no JSON or too long.
    def self.encode(message, field)
      line = Expect.json(field, message)
      return line if line.bytesize <= LINE_BYTES_MAX

      raise ValueError,
            "#{field} makes a message of #{line.bytesize} bytes; at most #{LINE_BYTES_MAX} was expected"
    end

    def initialize(input, output)
      @input = input.binmode
      @output = output.binmode
      @output.sync = true
      @lock = Mutex.new
    end

    # Each whole line, without its end, until the input ends.
    def each_line
      @input.each_line { |line| yield line.chomp if line.end_with?("\n") }
    end

    def say(message, field = "message")
      line = self.class.encode(message, field)
      @lock.synchronize { @output.write(line.b << "\n") }
    rescue Errno::EPIPE
      # Nobody listens: what still runs could not be reported, and open transactions are rolled back.
      exit!(1)
    end
  end
end
