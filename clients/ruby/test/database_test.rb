# frozen_string_literal: true

require "minitest/autorun"
require "sqlite3"
require_relative "../lib/jobrunner"

class SqliteTest < Minitest::Test
  # As much of the tables as the statements need; the end-to-end tests have the real ones.
  TABLES = <<~SQL
    CREATE TABLE jobs (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, args TEXT DEFAULT '{}', queue TEXT, run_at TEXT,
        timeout REAL, unique_key TEXT UNIQUE, tags TEXT, priority INTEGER CHECK (priority < 100));
    CREATE TABLE completed (token TEXT, result TEXT);
    CREATE VIEW complete (token, result) AS SELECT NULL, NULL WHERE 0;
    CREATE TRIGGER complete_insert INSTEAD OF INSERT ON complete BEGIN
        SELECT RAISE(ROLLBACK, 'the claim on this job is no longer held') WHERE NEW.token <> '1.1.1';
        INSERT INTO completed VALUES (NEW.token, NEW.result);
    END;
  SQL

  def setup
    @db = SQLite3::Database.new(":memory:")
    @db.execute_batch(TABLES)
  end

  def count(table)
    @db.get_first_value("SELECT count(*) FROM #{table}")
  end

  def end_of(token: "1.1.1", &handler)
    Jobrunner::Service.new.on("a", handler).perform("a", token: token).last
  end

  def test_enqueue_returns_the_id_and_leaves_the_commit_to_the_caller
    @db.transaction
    assert_equal 1, Jobrunner.enqueue(@db, :a, { x: 1 }, tags: ["ä"], timeout: 90)
    assert_equal ['{"x":1}', 90.0], @db.execute("SELECT args, timeout FROM jobs").first
    @db.rollback
    assert_equal 0, count("jobs")
  end

  def test_enqueue_many_adds_all_or_none_and_keeps_what_was_written_before
    @db.transaction
    @db.execute("INSERT INTO completed VALUES ('before', NULL)")
    assert_raises(SQLite3::ConstraintException) do
      Jobrunner.enqueue_many(@db, [{ kind: "a" }, { kind: "b", priority: 100 }])
    end
    @db.commit
    assert_equal [0, 1], [count("jobs"), count("completed")]
  end

  def test_times_have_one_shape
    Jobrunner.enqueue(@db, "a", run_at: Time.new(2026, 1, 31, 11, 0, Rational(5999, 1_000_000), "+02:00"))
    assert_equal "2026-01-31T09:00:00.005Z", @db.get_first_value("SELECT run_at FROM jobs")
  end

  def test_complete_in_is_part_of_the_transaction
    ending = end_of do |job|
      @db.transaction { job.complete_in(@db, { ok: true }) }
      nil
    end
    assert_equal ["1.1.1", '{"ok":true}'], @db.execute("SELECT * FROM completed").first
    # What a worker takes to heart only if the commit is not there.
    assert_equal "NotCommitted", ending["class"]
  end

  def test_a_stale_token_takes_the_transaction_with_it
    ending = end_of(token: "1.2.1") do |job|
      @db.transaction
      @db.execute("INSERT INTO jobs (kind) VALUES ('written')")
      job.complete_in(@db)
    end
    assert_equal "Jobrunner::StaleClaim", ending["class"]
    assert_equal 0, count("jobs")
  end

  def test_without_a_transaction_complete_in_is_refused
    assert_includes end_of { |job| job.complete_in(@db) }["error"], "connection has no transaction open"
    assert_equal 0, count("completed")
  end

  def test_the_field_is_named
    {
      "kind is 5; a string" => -> { Jobrunner.enqueue(@db, 5) },
      "args is [1]; a hash" => -> { Jobrunner.enqueue(@db, "a", [1]) },
      "args is no JSON" => -> { Jobrunner.enqueue(@db, "a", { x: Float::NAN }) },
      "job is :colour; one of kind, args" => -> { Jobrunner.enqueue(@db, "a", colour: "red") },
      'priority is "high"; a whole number' => -> { Jobrunner.enqueue(@db, "a", priority: "high") },
      'run_at is "now"; a Time' => -> { Jobrunner.enqueue(@db, "a", run_at: "now") },
      "run_in is -1; a number of seconds" => -> { Jobrunner.enqueue(@db, "a", run_in: -1) },
      "tags[1] is 1; a string" => -> { Jobrunner.enqueue(@db, "a", tags: ["x", 1]) },
      'on_conflict is "drop"; nil or one of skip' => -> { Jobrunner.enqueue(@db, "a", on_conflict: :drop) },
      "kind is nil; the name of a kind" => -> { Jobrunner.enqueue_many(@db, [{ args: {} }]) },
      "connection is a Integer; a PG::Connection" => -> { Jobrunner.enqueue(5, "a") }
    }.each do |words, call|
      assert_includes assert_raises(Jobrunner::ValueError, &call).message, words
    end
  end
end

class PostgresTest < Minitest::Test
  # As much of PG::Connection as is used.
  class FakeConnection
    attr_reader :asked
    attr_accessor :error, :transaction_status

    def initialize
      @asked = []
      @transaction_status = 2
    end

    def exec_params(statement, values)
      raise @error if @error

      @asked << [statement, values]
      [{ "id" => "9223372036854775807" }, { "id" => "2" }]
    end
  end

  Refused = Class.new(StandardError) do
    def result
      Struct.new(:state) { def error_field(_) = state }.new("JR409")
    end
  end

  def test_one_statement_adds_all
    db = FakeConnection.new
    ids = Jobrunner.enqueue_many(db, [{ kind: "a", timeout: 90 }, { "kind" => "b" }], on_conflict: :skip, schema: 'o"dd')
    assert_equal [9_223_372_036_854_775_807, 2], ids
    statement, (rows, on_conflict) = db.asked.first
    assert_includes statement, 'FROM "o""dd".enqueue_many($1::jsonb, $2::text)'
    assert_equal [{ "kind" => "a", "timeout" => "90.0 seconds" }, { "kind" => "b" }], JSON.parse(rows)
    assert_equal "skip", on_conflict
  end

  def test_the_sqlstate_tells_a_stale_claim
    db = FakeConnection.new
    db.error = Refused.new("no longer held\nCONTEXT: …")
    ending = Jobrunner::Service.new.on("a") { |job| job.complete_in(db) }.perform("a").last
    assert_equal ["Jobrunner::StaleClaim", "no longer held"], ending.values_at("class", "error")
  end

  def test_without_a_transaction_complete_in_is_refused
    db = FakeConnection.new
    db.transaction_status = 0
    ending = Jobrunner::Service.new.on("a") { |job| job.fail_in(db, "no") }.perform("a").last
    assert_includes ending["error"], "fail_in expects the one with the job's own writes"
    assert_empty db.asked
  end
end
