# frozen_string_literal: true

# A shop's ledger, for tests: a service that settles its jobs in its own transactions, and what enqueues them.
#
#     ledger.rb serve
#     ledger.rb enqueue COUNT
require File.join(ENV.fetch("LEDGER_SOURCES"), "clients/ruby/lib/jobrunner")

URL = ENV.fetch("LEDGER_DATABASE")
SQLITE = URL.start_with?("sqlite://")
require(SQLITE ? "sqlite3" : "pg")

def connect
  return PG.connect(URL) unless SQLITE

  # Not busy_timeout, which waits without letting another thread go on, such as the one that has the file.
  SQLite3::Database.new(URL.delete_prefix("sqlite://")).tap do |db|
    db.busy_handler { |count| sleep(0.005) && count < 6000 }
  end
end

def connection
  Thread.current[:connection] ||= connect
end

def write(job, note)
  if SQLITE
    connection.execute("INSERT INTO ledger VALUES (?, ?)", [Integer(job.id), note])
  else
    connection.exec_params("INSERT INTO ledger VALUES ($1, $2)", [job.id, note])
  end
end

# In a transaction that the block's end commits and an exception rolls back.
def transaction(database = connection, &block)
  SQLITE ? database.transaction(:immediate, &block) : database.transaction(&block)
end

service = Jobrunner::Service.new(concurrency: 4)

service.on("ruby.bill") do |job|
  transaction do
    write(job, "bill")
    job.complete_in(connection, { billed: job.id })
  end
  nil
end

service.on("ruby.stale") do |job|
  transaction do
    write(job, "first")
    job.complete_in(connection)
  end
  begin
    transaction do
      write(job, "second")
      job.complete_in(connection)
    end
  rescue Jobrunner::StaleClaim, SQLITE ? SQLite3::Exception : PG::Error
    transaction { write(job, "refused") }
  end
  nil
end

service.on("ruby.forgets") do |job|
  begin
    transaction do
      write(job, "attempt #{job.attempt}")
      job.complete_in(connection)
      raise "forgotten" if job.attempt == 1
    end
  rescue RuntimeError => e
    raise unless e.message == "forgotten"
  end
  nil
end

service.on("ruby.fails") do |job|
  transaction do
    write(job, "failed")
    job.fail_in(connection, "no money", error_class: "Poor")
  end
  nil
end

def check(condition, what)
  abort("enqueue: #{what}") unless condition
end

def enqueue(count)
  db = connect
  begin
    transaction(db) do
      Jobrunner.enqueue(db, "ruby.bill")
      raise "back"
    end
  rescue RuntimeError
    nil
  end

  first = nil
  transaction(db) do
    ids = Jobrunner.enqueue_many(db, Array.new(count) { |n| { kind: "ruby.bill", args: { n: n } } })
    check(ids.uniq.length == count && ids.all?(Integer), "ids")
    %w[ruby.stale ruby.forgets ruby.fails].each { |kind| Jobrunner.enqueue(db, kind) }
    key = { unique_key: "ruby", on_conflict: :skip, run_in: 86_400, tags: ["é"], meta: { a: [1] }, timeout: 90 }
    first = Jobrunner.enqueue(db, "ruby.later", { n: 1 }, **key)
    check(Jobrunner.enqueue(db, "ruby.later", { n: 2 }, **key) == first, "skip")
    check(Jobrunner.enqueue(db, "ruby.later", { n: 3 }, **key, on_conflict: :replace) == first, "replace")
  end

  # One that is refused takes all of its call with it.
  begin
    Jobrunner.enqueue_many(db, [{ kind: "ruby.bill" }, { kind: "ruby.bill", priority: 1_000_000 }])
    check(false, "a priority out of range was accepted")
  rescue SQLITE ? SQLite3::Exception : PG::Error => e
    check(e.message.match?(/priority|smallint/), e.message)
  end
  kept = Jobrunner.enqueue(db, "ruby.later", queue: "kept", run_at: Time.now + 86_400)
  puts "#{first} #{kept}"
end

ARGV[0] == "serve" ? service.run : enqueue(Integer(ARGV[1]))
