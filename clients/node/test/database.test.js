import assert from 'node:assert/strict';
import test from 'node:test';
import { Service, StaleClaim, ValueError, enqueue, enqueueMany } from '../lib/index.js';

// As much of a Client of pg as is used.
class FakePg {
    asked = [];

    async query(text, values) {
        this.asked.push([text, values]);
        if (this.error) {
            throw this.error;
        }
        return { rows: [{ id: '9223372036854775807' }, { id: '2' }] };
    }
}

// As much of better-sqlite3 as is used; `refuse` is a part of the statement that fails.
class FakeSqlite {
    inTransaction = true;
    asked = [];

    constructor(refuse = null, message = 'CHECK constraint failed') {
        this.refuse = refuse;
        this.message = message;
    }

    prepare(text) {
        const ask = (...values) => {
            this.asked.push([text, ...values]);
            if (this.refuse && text.includes(this.refuse)) {
                throw new Error(this.message);
            }
            return { id: '7' };
        };
        return { run: ask, get: ask };
    }
}

test('pg: one statement adds all, and ids are texts', async () => {
    const db = new FakePg();
    const ids = await enqueueMany(db, [{ kind: 'a', timeout: 90, depends_on: [5n, '6'] }, { kind: 'b', queue: null }],
        { onConflict: 'skip', schema: 'o"dd' });
    assert.deepEqual(ids, ['9223372036854775807', '2']);
    const [[text, [rows, onConflict]]] = db.asked;
    assert(text.includes('FROM "o""dd".enqueue_many($1::jsonb, $2::text)'), text);
    assert.deepEqual(JSON.parse(rows), [{ kind: 'a', timeout: '90 seconds', depends_on: ['5', '6'] }, { kind: 'b' }]);
    assert.equal(onConflict, 'skip');
});

test('sqlite: enqueue has its id before it returns', () => {
    const db = new FakeSqlite();
    const id = enqueue(db, 'a', { x: 1 }, { run_at: new Date('2026-01-31T09:00:00Z'), tags: ['ä'] });
    assert.equal(id, '7');
    assert.deepEqual(db.asked, [
        ['SAVEPOINT jobrunner_enqueue'],
        ['INSERT INTO jobs (run_at, tags, kind, args) VALUES (?, ?, ?, ?) RETURNING CAST(id AS TEXT) AS id',
            '2026-01-31T09:00:00.000Z', '["ä"]', 'a', '{"x":1}'],
        ['RELEASE jobrunner_enqueue'],
    ]);
});

test('sqlite: what is refused takes its call with it, and no more', () => {
    const db = new FakeSqlite('INSERT INTO jobs');
    assert.throws(() => enqueue(db, 'a'), /CHECK/);
    assert.deepEqual(db.asked.slice(-2), [['ROLLBACK TO jobrunner_enqueue'], ['RELEASE jobrunner_enqueue']]);
});

test('completion in a transaction is said so that only the commit makes it true', async () => {
    for (const [db, statement] of [
        [new FakePg(), ['SELECT "jobrunner".complete($1::text, $2::jsonb)', ['1.1.1', '{"ok":true}']]],
        [new FakeSqlite(), ['INSERT INTO complete (token, result) VALUES (?, ?)', '1.1.1', '{"ok":true}']],
    ]) {
        const service = new Service().on('a', (job) => job.completeIn(db, { ok: true }));
        const end = (await service.perform('a')).at(-1);
        assert.deepEqual(db.asked, [statement]);
        assert.equal(end.class, 'NotCommitted');
    }
});

test('a token that is refused is a stale claim', async () => {
    const pg = new FakePg();
    pg.error = Object.assign(new Error('no longer held'), { code: 'JR409' });
    for (const db of [pg, new FakeSqlite('INTO fail', 'the claim on this job is no longer held')]) {
        const service = new Service().on('a', async (job) => {
            await assert.rejects(async () => job.failIn(db, 'no'), StaleClaim);
            return 'refused';
        });
        assert.deepEqual((await service.perform('a')).at(-1), { type: 'done', id: '1', result: 'refused' });
    }
});

test('sqlite: without a transaction completion is refused', async () => {
    const db = new FakeSqlite();
    db.inTransaction = false;
    const end = (await new Service().on('a', (job) => job.completeIn(db)).perform('a')).at(-1);
    assert.match(end.error, /connection has no transaction open/);
    assert.deepEqual(db.asked, []);
});

test('the field is named', () => {
    const db = new FakeSqlite();
    for (const [call, words] of [
        [() => enqueue(db, 5), 'kind is 5; a string'],
        [() => enqueue(db, 'a', [1]), 'args is [ 1 ]; an object'],
        [() => enqueue(db, 'a', { x: 1n }), 'args is no JSON'],
        [() => enqueue(db, 'a', {}, { colour: 'red' }), "job is 'colour'; one of kind, args"],
        [() => enqueue(db, 'a', {}, { priority: 'high' }), "priority is 'high'; a whole number"],
        [() => enqueue(db, 'a', {}, { run_at: 'now' }), "run_at is 'now'; a Date"],
        [() => enqueue(db, 'a', {}, { run_in: -1 }), 'run_in is -1; a number of seconds'],
        [() => enqueue(db, 'a', {}, { tags: ['x', 1] }), 'tags[1] is 1; a string'],
        [() => enqueue(db, 'a', {}, { batch_id: 2 ** 60 }), 'batch_id is 1152921504606847000; an id'],
        [() => enqueue(db, 'a', {}, {}, { onConflict: 'drop' }), "onConflict is 'drop'; null or one of skip"],
        [() => enqueueMany(db, [{ args: {} }]), 'kind is undefined; the name of a kind'],
        [() => enqueue(5, 'a'), 'connection is 5; a Client of pg'],
        [() => enqueue({ query() {}, totalCount: 0 }, 'a'), "connection is 'a Pool'; a Client"],
    ]) {
        assert.throws(call, (error) => {
            assert(error instanceof ValueError && error.message.includes(words), `${error} without ${words}`);
            return true;
        });
    }
    assert.deepEqual(db.asked, []);
});
