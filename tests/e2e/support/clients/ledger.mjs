// A shop's ledger, for tests: a service that settles its jobs in its own transactions, and what enqueues them.
//
//     ledger.mjs serve
//     ledger.mjs enqueue COUNT
import assert from 'node:assert/strict';
import { connect } from './shell_connection.mjs';

const { Service, StaleClaim, enqueue, enqueueMany } =
    await import(`${process.env.LEDGER_SOURCES}/clients/node/lib/index.js`);
const sqlite = process.env.LEDGER_DATABASE.startsWith('sqlite:');

// A connection has one transaction at a time. With SQLite there is one connection and a turn for each job: a second one
// that waits for the file, synchronously, would keep the first from ever going on.
const idle = [];
let turn = Promise.resolve();

function inTransaction(work) {
    if (!sqlite) {
        return transaction(work);
    }
    const mine = turn.then(() => transaction(work));
    turn = mine.catch(() => {});
    return mine;
}

async function transaction(work) {
    const connection = idle.pop() ?? connect();
    try {
        await run(connection, sqlite ? 'BEGIN IMMEDIATE' : 'BEGIN');
        const result = await work(connection);
        await run(connection, 'COMMIT');
        return result;
    } catch (error) {
        if (connection.inTransaction !== false) {
            await run(connection, 'ROLLBACK');
        }
        throw error;
    } finally {
        idle.push(connection);
    }
}

function run(connection, text) {
    return sqlite ? connection.prepare(text).run() : connection.query(text, []);
}

function write(connection, job, note) {
    return sqlite ? connection.prepare('INSERT INTO ledger VALUES (CAST(? AS INTEGER), ?)').run(job.id, note)
        : connection.query('INSERT INTO ledger VALUES ($1, $2)', [job.id, note]);
}

const service = new Service({ concurrency: 4 });

service.on('node.bill', (job) => inTransaction(async (connection) => {
    await write(connection, job, 'bill');
    await job.completeIn(connection, { billed: job.id });
}));

service.on('node.stale', async (job) => {
    await inTransaction(async (connection) => {
        await write(connection, job, 'first');
        await job.completeIn(connection);
    });
    try {
        await inTransaction(async (connection) => {
            await write(connection, job, 'second');
            await job.completeIn(connection);
        });
    } catch (error) {
        assert(error instanceof StaleClaim, error);
        await inTransaction((connection) => write(connection, job, 'refused'));
    }
});

service.on('node.forgets', async (job) => {
    try {
        await inTransaction(async (connection) => {
            await write(connection, job, `attempt ${job.attempt}`);
            await job.completeIn(connection);
            if (job.attempt === 1) {
                throw new RangeError('forgotten');
            }
        });
    } catch (error) {
        if (!(error instanceof RangeError)) {
            throw error;
        }
    }
});

service.on('node.fails', (job) => inTransaction(async (connection) => {
    await write(connection, job, 'failed');
    await job.failIn(connection, 'no money', { errorClass: 'Poor' });
}));

async function enqueueAll(count) {
    await assert.rejects(inTransaction(async (connection) => {
        await enqueue(connection, 'node.bill');
        throw new Error('back');
    }), /back/);

    const first = await inTransaction(async (connection) => {
        const jobs = Array.from({ length: count }, (_, n) => ({ kind: 'node.bill', args: { n } }));
        const ids = await enqueueMany(connection, jobs);
        assert.equal(new Set(ids).size, count);
        assert(ids.every((id) => /^[0-9]+$/.test(id)), ids);
        for (const kind of ['node.stale', 'node.forgets', 'node.fails']) {
            await enqueue(connection, kind);
        }
        const columns = { unique_key: 'node', run_in: 86400, tags: ['é'], meta: { a: [1] }, timeout: 90 };
        const id = await enqueue(connection, 'node.later', { n: 1 }, columns, { onConflict: 'skip' });
        assert.equal(await enqueue(connection, 'node.later', { n: 2 }, columns, { onConflict: 'skip' }), id);
        assert.equal(await enqueue(connection, 'node.later', { n: 3 }, columns, { onConflict: 'replace' }), id);
        return id;
    });

    // One that is refused takes all of its call with it.
    await assert.rejects(inTransaction((connection) => enqueueMany(connection,
        [{ kind: 'node.bill' }, { kind: 'node.bill', priority: 1000000 }])), /priority|smallint/);
    const tomorrow = new Date(Date.now() + 86400000);
    const kept = await inTransaction(
        (connection) => enqueue(connection, 'node.later', {}, { queue: 'kept', run_at: tomorrow }));
    console.log(first, kept);
    process.exit(0);
}

if (process.argv[2] === 'serve') {
    service.run();
} else {
    await enqueueAll(Number(process.argv[3]));
}
