// jobrunner's tables through the connection, and in the transaction, of the caller.
//
// connection: a Client of `pg`, which is asked asynchronously, or a database of better-sqlite3 or node:sqlite, with which
// everything happens before the call returns, as their transactions need it. `await` does for both.
import { checked, onConflicts } from './columns.js';
import { StaleClaim, ValueError, expect, jsonOf } from './errors.js';

// Adds a job in the transaction that `connection` has open. Returns its id, a string (a promise of it with pg).
//
// columns: those of docs/sql.md by their names there; `timeout` and `run_in` in seconds, times as a Date. onConflict: what
// happens where `unique_key` is held: without it the driver's error, with "skip", "replace" and "merge" the holder's id.
export function enqueue(connection, kind, args = {}, columns = {}, { onConflict = null, schema = 'jobrunner' } = {}) {
    const ids = enqueueMany(connection, [{ ...columns, kind, args }], { onConflict, schema });
    return ids instanceof Promise ? ids.then(([id]) => id) : ids[0];
}

// Adds all of `jobs`, objects of columns, or none. Returns their ids in the same order.
export function enqueueMany(connection, jobs, { onConflict = null, schema = 'jobrunner' } = {}) {
    const known = onConflict === null || onConflicts.includes(onConflict);
    expect(known, 'onConflict', onConflict, `null or one of ${onConflicts.join(', ')}`);
    const rows = jobs.map(checked);
    if (isSqlite(connection)) {
        return addAllToSqlite(connection, rows, onConflict);
    }
    for (const row of rows) {
        for (const name of ['timeout', 'run_in']) {
            if (name in row) {
                row[name] = `${row[name]} seconds`;
            }
        }
    }
    return connection
        .query(`SELECT id::text AS id FROM ${quoted(schema)}.enqueue_many($1::jsonb, $2::text) ORDER BY place`,
            [JSON.stringify(rows), onConflict])
        .then((answer) => answer.rows.map((row) => row.id));
}

// Completes the claim that `token` names, as a part of the transaction that is open.
export function complete(connection, token, result, schema) {
    const text = result === undefined || result === null ? null : jsonOf('result', result);
    return settle(connection, 'complete', [token, text], schema,
        'INSERT INTO complete (token, result) VALUES (?, ?)', 'complete($1::text, $2::jsonb)');
}

// Fails the attempt of the claim that `token` names, as a part of the transaction that is open.
export function fail(connection, token, error, errorClass, schema) {
    return settle(connection, 'fail', [token, error, errorClass ?? null], schema,
        'INSERT INTO fail (token, error, class) VALUES (?, ?, ?)', 'fail($1::text, $2::text, $3::text)');
}

function settle(connection, call, values, schema, onSqlite, onPostgres) {
    if (!isSqlite(connection)) {
        return connection.query(`SELECT ${quoted(schema)}.${onPostgres}`, values).then(() => undefined, rethrow);
    }
    if ((connection.inTransaction ?? connection.isTransaction) === false) {
        throw new ValueError(
            `connection has no transaction open; ${call}In() expects the one with the job's own writes`);
    }
    try {
        connection.prepare(onSqlite).run(...values);
    } catch (error) {
        rethrow(error);
    }
    return undefined;
}

function rethrow(error) {
    if (error.code === 'JR409' || /no longer held|no token of a claim/.test(error.message)) {
        throw new StaleClaim(error.message, { cause: error });
    }
    throw error;
}

function isSqlite(connection) {
    const sqlite = typeof connection?.prepare === 'function';
    const named = 'a Client of pg, or a database of better-sqlite3 or node:sqlite';
    expect(sqlite || typeof connection?.query === 'function', 'connection', connection, named);
    // Each query of a pool may run on another connection, outside of the transaction.
    expect(sqlite || typeof connection.totalCount !== 'number', 'connection', 'a Pool',
        'a Client, which pool.connect() gives,');
    return sqlite;
}

function addAllToSqlite(connection, rows, onConflict) {
    connection.prepare('SAVEPOINT jobrunner_enqueue').run();
    let ids;
    try {
        ids = rows.map((row) => addToSqlite(connection, row, onConflict));
    } catch (error) {
        if ((connection.inTransaction ?? connection.isTransaction) !== false) {
            connection.prepare('ROLLBACK TO jobrunner_enqueue').run();
            connection.prepare('RELEASE jobrunner_enqueue').run();
        }
        throw error;
    }
    connection.prepare('RELEASE jobrunner_enqueue').run();
    return ids;
}

// The database's clock says when "in ten minutes" is.
const delay = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%.3f seconds', ?))";

function addToSqlite(connection, row, onConflict) {
    const columns = Object.keys(row);
    const names = columns.map((name) => (name === 'run_in' ? 'run_at' : name)).join(', ');
    const places = columns.map((name) => (name === 'run_in' ? delay : '?')).join(', ');
    const values = columns.map((name) => sqliteValue(name, row[name]));
    if (onConflict === null || !('unique_key' in row)) {
        return connection
            .prepare(`INSERT INTO jobs (${names}) VALUES (${places}) RETURNING CAST(id AS TEXT) AS id`)
            .get(...values).id;
    }
    connection.prepare(`INSERT INTO enqueue (${names}, on_conflict) VALUES (${places}, ?)`)
        .run(...values, onConflict);
    // A view tells no id; the key's holder is the job.
    return connection.prepare('SELECT CAST(id AS TEXT) AS id FROM jobs WHERE unique_key = ?').get(row.unique_key).id;
}

function sqliteValue(name, value) {
    if (name === 'depends_on') {
        return `[${value.join(',')}]`; // ids are numbers there
    }
    return typeof value === 'object' ? JSON.stringify(value) : value;
}

function quoted(name) {
    expect(typeof name === 'string' && name !== '', 'schema', name, 'the name of a schema');
    return `"${name.replaceAll('"', '""')}"`;
}
