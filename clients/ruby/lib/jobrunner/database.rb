# frozen_string_literal: true

require "json"

module Jobrunner
  module_function

  # Adds a job in the transaction that `connection` (PG::Connection or SQLite3::Database) has open. Returns its id.
  #
  # columns: those of docs/sql.md; `timeout` and `run_in` in seconds, times as a Time. on_conflict: what happens where
  # `unique_key` is held: nil raises the driver's error, "skip", "replace" and "merge" return the holder's id.
  def enqueue(connection, kind, args = {}, on_conflict: nil, schema: "jobrunner", **columns)
    enqueue_many(connection, [{ **columns, kind: kind, args: args }], on_conflict: on_conflict, schema: schema).first
  end

  # Adds all of `jobs`, hashes of columns, or none. Returns their ids in the same order.
  def enqueue_many(connection, jobs, on_conflict: nil, schema: "jobrunner")
    on_conflict = on_conflict&.to_s
    Expect.that(on_conflict.nil? || Columns::ON_CONFLICT.include?(on_conflict), "on_conflict", on_conflict,
                "nil or one of #{Columns::ON_CONFLICT.join(', ')}")
    rows = jobs.map { |job| Columns.checked(job) }
    Database.of(connection, schema).enqueue(rows, on_conflict)
  end

  # jobrunner's tables through the connection, and in the transaction, of the caller.
  module Database
    # Chosen by what the connection can do, so that neither driver need be installed.
    def self.of(connection, schema)
      # ActiveRecord's connections and the like wrap the driver's.
      raw = connection.respond_to?(:raw_connection) ? connection.raw_connection : connection
      return Postgres.new(raw, schema) if raw.respond_to?(:exec_params)
      return Sqlite.new(raw) if raw.respond_to?(:transaction_active?)

      raise ValueError,
            "connection is a #{raw.class}; a PG::Connection or a SQLite3::Database was expected"
    end

    # Completes the claim that `token` names, as a part of the transaction that is open.
    def self.complete(connection, token, result, schema)
      text = result.nil? ? nil : Expect.json("result", result)
      settle(of(connection, schema), :complete, [token, text])
    end

    # Fails the attempt of the claim that `token` names, as a part of the transaction that is open.
    def self.fail(connection, token, error, error_class, schema)
      settle(of(connection, schema), :fail, [token, error, error_class])
    end

    def self.settle(database, call, values)
      unless database.transaction_open?
        raise ValueError,
              "connection has no transaction open; #{call}_in expects the one with the job's own writes"
      end
      begin
        database.settle(call, values)
      rescue StandardError => e
        raise unless database.refused_token?(e)

        raise StaleClaim, e.message.lines.first.chomp
      end
    end

    # Through the functions of the schema.
    class Postgres
      IDLE = 0 # libpq's PQTRANS_IDLE: no transaction is open
      SQLSTATE_FIELD = "C".ord # libpq's PG_DIAG_SQLSTATE
      CASTS = { complete: "$1::text, $2::jsonb", fail: "$1::text, $2::text, $3::text" }.freeze

      def initialize(connection, schema)
        Expect.that(schema.is_a?(String) && schema != "", "schema", schema, "the name of a schema")
        @connection = connection
        @schema = "\"#{schema.gsub('"', '""')}\""
      end

      def enqueue(rows, on_conflict)
        return [] if rows.empty?

        rows.each do |row|
          %i[timeout run_in].each { |name| row[name] = "#{row[name]} seconds" if row.key?(name) }
        end
        @connection.exec_params(
          "SELECT id FROM #{@schema}.enqueue_many($1::jsonb, $2::text) ORDER BY place",
          [Expect.json("jobs", rows), on_conflict]
        ).map { |row| Integer(row["id"]) }
      end

      def transaction_open?
        @connection.transaction_status != IDLE
      end

      def settle(call, values)
        @connection.exec_params("SELECT #{@schema}.#{call}(#{CASTS.fetch(call)})", values)
      end

      def refused_token?(error)
        error.respond_to?(:result) && error.result&.error_field(SQLSTATE_FIELD) == "JR409"
      end
    end

    # Through the views of the file.
    class Sqlite
      COLUMNS = { complete: "token, result", fail: "token, error, class" }.freeze
      DELAY = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', ?))"

      def initialize(connection)
        @connection = connection
      end

      def enqueue(rows, on_conflict)
        @connection.execute("SAVEPOINT jobrunner_enqueue")
        begin
          ids = rows.map { |row| add(row, on_conflict) }
        rescue Exception # rubocop:disable Lint/RescueException
          if transaction_open?
            @connection.execute("ROLLBACK TO jobrunner_enqueue")
            @connection.execute("RELEASE jobrunner_enqueue")
          end
          raise
        end
        @connection.execute("RELEASE jobrunner_enqueue")
        ids
      end

      def transaction_open?
        @connection.transaction_active?
      end

      def settle(call, values)
        @connection.execute(
          "INSERT INTO #{call} (#{COLUMNS.fetch(call)}) VALUES (#{values.map { '?' }.join(', ')})", values
        )
      end

      def refused_token?(error)
        error.message.match?(/no longer held|no token of a claim/)
      end

      private

      def add(row, on_conflict)
        # The database's clock says when "in ten minutes" is.
        names = row.keys.map { |name| name == :run_in ? "run_at" : name.to_s }.join(", ")
        places = row.keys.map { |name| name == :run_in ? DELAY : "?" }.join(", ")
        values = row.map { |name, value| value.is_a?(Hash) || value.is_a?(Array) ? Expect.json(name, value) : value }
        key = row[:unique_key]
        if on_conflict.nil? || key.nil?
          return first("INSERT INTO jobs (#{names}) VALUES (#{places}) RETURNING id", values)
        end

        @connection.execute("INSERT INTO enqueue (#{names}, on_conflict) VALUES (#{places}, ?)", values + [on_conflict])
        # A view tells no id; the key's holder is the job.
        first("SELECT id FROM jobs WHERE unique_key = ?", [key])
      end

      def first(statement, values)
        row = @connection.execute(statement, values).first
        row.is_a?(Hash) ? row["id"] : row[0]
      end
    end
  end
end
