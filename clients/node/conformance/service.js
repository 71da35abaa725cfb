#!/usr/bin/env node
// The kinds that every client's conformance service has; clients/conformance says what they must answer.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { Service } from '../lib/index.js';

class Broken extends Error {}

// Ends for all when as many as `party` have come.
class Meeting {
    #waiting = [];

    constructor(party) {
        this.party = party;
    }

    wait() {
        return new Promise((resolve) => {
            this.#waiting.push(resolve);
            if (this.#waiting.length >= this.party) {
                this.#waiting.forEach((one) => one());
            }
        });
    }
}

const service = new Service({ concurrency: Number(process.env.CONFORMANCE_CONCURRENCY ?? '1') });
const meetings = new Map();

service.on('echo', (job) => job.args);
service.on('nothing', () => undefined);
service.on('add', (job) => ({ sum: job.args.a + job.args.b }));

service.on('context', (job) => ({
    id: job.id,
    kind: job.kind,
    queue: job.queue,
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    token: job.token,
    traceparent: job.traceparent,
    in_time: job.remainingMs === null ? null : job.remainingMs > 0 && job.remainingMs <= 60000,
    cancelled: job.cancelled,
}));

service.on('fail', async (job) => {
    throw new Broken(job.args.message);
});
service.on('fail_for_good', (job) => job.fail('no such account', { retry: false, errorClass: 'NoAccount' }));
service.on('fail_later', (job) => job.fail('busy', { retryIn: 60000 }));

service.on('fail_swallowed', (job) => {
    try {
        job.fail('meant so', { retry: false });
    } catch {
        // as some handlers do
    }
    return { went: 'on' };
});

service.on('snooze', (job) => job.snooze(job.args.ms));

service.on('progress', (job) => {
    job.progress(40, 'half way');
    job.progress(80);
    job.progress(null, 'nearly there');
});

service.on('checkpoint', (job) => {
    if (job.checkpoint === null) {
        job.checkpoint = { page: job.args.page };
        throw new Broken('after the checkpoint');
    }
    return job.checkpoint;
});

service.on('steps', async (job) => {
    const rendered = await job.step('render', () => {
        job.log('rendering');
        return { pages: 3 };
    });
    job.checkpoint = { own: true };
    const sent = await job.step('send', async () => {
        if (job.attempt === 1) {
            throw new Broken('not sent');
        }
        return `sent ${rendered.pages}`;
    });
    return { sent, own: job.checkpoint };
});

service.on('log', (job) => job.log(job.args.line));

service.on('extend', (job) => {
    job.extend(30000);
    return { longer: job.remainingMs > 30000 };
});

service.on('slow', async (job) => {
    job.log('started');
    const stopped = await job.wait(60000);
    job.log(stopped && job.signal.aborted ? 'cancelled' : 'waited in vain');
    job.checkCancelled();
});

service.on('print', () => {
    console.log('a stray print');
    spawnSync('echo', ['a stray child'], { stdio: 'inherit' });
    fs.writeSync(1, 'a stray write\n');
});

service.on('meet', async (job) => {
    const { party } = job.args;
    if (!meetings.has(party)) {
        meetings.set(party, new Meeting(party));
    }
    await meetings.get(party).wait();
    return { met: party };
});

// Twice each job's n, all of them at once. One below 0 fails, one of 13 fails them all.
service.onChunk('twice', async (jobs) => {
    const numbers = jobs.map((job) => job.args.n);
    if (numbers.includes(13)) {
        throw new Broken('thirteen');
    }
    return numbers.map((n) => (n < 0 ? new Broken('below 0') : { twice: 2 * n, of: jobs.length }));
});

service.onChunk('log_all', (jobs) => jobs.forEach((job) => job.log(`one of ${jobs.length}`)));

service.on('no_json', () => ({ nothing: 1n }));
service.on('huge_result', (job) => ({ text: 'x'.repeat(job.args.length) }));

service.on('bad_argument', (job) => {
    try {
        job.progress(101);
    } catch (error) {
        return { names: error.message.includes('percent'), expects: error.message.includes('from 0 to 100') };
    }
    return null;
});

service.run();
