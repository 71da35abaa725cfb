import assert from 'node:assert/strict';
import test from 'node:test';
import { Service, ValueError } from '../lib/index.js';

async function endOf(handler, rest = {}) {
    return (await new Service().on('kind', handler).perform('kind', {}, rest)).at(-1);
}

test('what the handler decided stands where it caught what left it', async () => {
    const end = await endOf((job) => {
        try {
            job.fail('no', { retry: false });
        } catch {
            return 'hidden';
        }
        return undefined;
    });
    assert.deepEqual(end, { type: 'fail', id: '1', error: 'no', retry: false });
});

test('the backtrace names the cause', async () => {
    const end = await endOf(() => {
        throw new RangeError('outer', { cause: new TypeError('inner') });
    });
    assert.deepEqual([end.class, end.error], ['RangeError', 'outer']);
    assert(end.backtrace.includes('caused by TypeError: inner'));
});

test('what is thrown and no Error is a failure, too', async () => {
    const end = await endOf(() => Promise.reject('a text')); // eslint-disable-line prefer-promise-reject-errors
    assert.deepEqual([end.class, end.error], ['string', 'a text']);
});

test('nothing is said after the end', async () => {
    let kept;
    await endOf((job) => {
        kept = job;
    });
    assert.throws(() => kept.log('late'), /job 1 has ended/);
});

test('the signal aborts and waiting ends when the job is to stop', async () => {
    const end = await endOf(async (job) => {
        setImmediate(() => job.cancel());
        return [await job.wait(60000), job.signal.aborted, job.signal.reason.name];
    });
    assert.deepEqual(end.result, [true, true, 'Cancelled']);
});

test('remaining time counts down and grows by extend', async () => {
    const end = await endOf((job) => {
        const before = job.remainingMs;
        job.extend(5000);
        return [before <= 1000, job.remainingMs > 5000];
    }, { deadline_ms: 1000 });
    assert.deepEqual(end.result, [true, true]);
});

test('a step that is done is not done again', async () => {
    const end = await endOf((job) => job.step('render', () => assert.fail('done again')),
        { checkpoint: { steps: { render: null } } });
    assert.deepEqual(end, { type: 'done', id: '1' });
});

test('values that are wrong are named', async () => {
    for (const [call, words] of [
        [(job) => job.progress('x'), "percent is 'x'; a number from 0 to 100"],
        [(job) => job.extend(NaN), 'byMs is NaN'],
        [(job) => { job.checkpoint = [1]; }, 'checkpoint is [ 1 ]; an object'],
        [(job) => { job.checkpoint = { steps: 1 }; }, 'no member "steps"'],
        [(job) => { job.checkpoint = { text: 'x'.repeat(1100000) }; }, 'checkpoint makes a message of 11'],
        [(job) => job.step('', () => 1), "name is ''"],
        [(job) => job.fail('x', { retry: 1 }), 'retry is 1; true or false'],
    ]) {
        const { error } = await endOf(call);
        assert(error?.includes(words), `${error} without ${words}`);
    }
});

test('a service refuses what it cannot be', () => {
    const service = new Service().on('twice', () => {});
    for (const [call, words] of [
        [() => new Service({ concurrency: 0 }), /concurrency is 0; a whole number/],
        [() => service.on('', () => {}), /kind is ''/],
        [() => service.on('a', 5), /handler is 5; a function/],
        [() => service.on('twice', () => {}), /a kind without a handler/],
    ]) {
        assert.throws(call, (error) => error instanceof ValueError && words.test(error.message));
    }
});
