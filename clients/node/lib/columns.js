// What an application may say of a job that it enqueues: names, types, and one shape for times.
import { expect, isObject, jsonOf } from './errors.js';

export const onConflicts = ['skip', 'replace', 'merge'];

function text(field, value) {
    expect(typeof value === 'string', field, value, 'a string');
    return value;
}

function whole(field, value) {
    expect(Number.isSafeInteger(value), field, value, 'a whole number');
    return value;
}

// Ids have 64 bits, more than a number keeps: they are strings, as this package returns them, or BigInts.
function id(field, value) {
    const fits = typeof value === 'bigint' || Number.isSafeInteger(value)
        || (typeof value === 'string' && /^[0-9]{1,19}$/.test(value));
    expect(fits, field, value, 'an id: a string of digits or a BigInt');
    return String(value);
}

function object(field, value) {
    expect(isObject(value), field, value, 'an object');
    jsonOf(field, value);
    return value;
}

function listOf(check) {
    return (field, value) => {
        expect(Array.isArray(value), field, value, 'an array');
        return value.map((one, place) => check(`${field}[${place}]`, one));
    };
}

function seconds(field, value) {
    expect(typeof value === 'number' && value >= 0 && Number.isFinite(value), field, value, 'a number of seconds');
    return value;
}

// UTC with milliseconds, which both databases read the same way.
function instant(field, value) {
    expect(value instanceof Date && !Number.isNaN(value.getTime()), field, value, 'a Date');
    return value.toISOString();
}

// By the columns' names in SQL.
const checks = {
    kind: text, args: object, queue: text, priority: whole, run_at: instant, run_in: seconds, max_attempts: whole,
    timeout: seconds, expires_at: instant, unique_key: text, concurrency_key: text, cost: whole, serial_key: text,
    fair_key: text, requires: listOf(text), affinity_key: text, depends_on: listOf(id), on_dependency_failure: text,
    batch_id: id, tags: listOf(text), meta: object, traceparent: text,
};

// The columns of one job with values that are JSON. Those that are null are left to their defaults.
export function checked(job) {
    expect(isObject(job), 'job', job, 'an object such as {kind: "mail.send", args: {}}');
    const columns = {};
    for (const [name, value] of Object.entries(job)) {
        expect(Object.hasOwn(checks, name), 'job', name, `one of ${Object.keys(checks).join(', ')}`);
        if (value !== null && value !== undefined) {
            columns[name] = checks[name](name, value);
        }
    }
    expect('kind' in columns, 'kind', undefined, 'the name of a kind');
    expect(!('run_at' in columns && 'run_in' in columns), 'run_in', columns.run_in, 'nothing beside run_at');
    return columns;
}
