import { performance } from 'node:perf_hooks';
import * as database from './database.js';
import { Cancelled, JobEnded, ValueError, expect, isObject, milliseconds } from './errors.js';

// One attempt of one job, as its handler sees it. Times are numbers of milliseconds. When the handler has returned,
// nothing more can be said of the job.
export class Job {
    #say;
    #schema;
    #checkpoint;
    #stop = new AbortController();
    #end = null;
    #unlessCommitted = null;
    #over = false;

    // `say` is called with a message and the name of the field that is to blame if it is no JSON.
    constructor(message, say, schema = 'jobrunner') {
        expect(typeof message.kind === 'string', 'kind', message.kind, 'a string');
        expect(isObject(message.args), 'args', message.args, 'an object');
        this.id = message.id;
        this.kind = message.kind;
        this.queue = message.queue;
        this.args = message.args;
        this.attempt = message.attempt;
        this.maxAttempts = message.max_attempts;
        this.token = message.token;
        this.traceparent = message.traceparent ?? null;
        // The instant of performance.now() at which the attempt times out, or null.
        this.deadline = typeof message.deadline_ms === 'number' ? performance.now() + message.deadline_ms : null;
        this.#checkpoint = message.checkpoint ?? null;
        this.#say = say;
        this.#schema = schema;
    }

    // How long the attempt may still take, never below 0; null without a timeout.
    get remainingMs() {
        return this.deadline === null ? null : Math.max(0, this.deadline - performance.now());
    }

    // Aborts when the job is to stop; fetch() and timers take it.
    get signal() {
        return this.#stop.signal;
    }

    get cancelled() {
        return this.#stop.signal.aborted;
    }

    // Throws Cancelled if the job is to stop; for loops.
    checkCancelled() {
        this.#stop.signal.throwIfAborted();
    }

    cancel() {
        this.#stop.abort(new Cancelled('the job was asked to stop'));
    }

    // Waits, but not longer than until the job is to stop. Resolves to whether it is.
    wait(waitMs) {
        milliseconds('waitMs', waitMs);
        return new Promise((resolve) => {
            const end = () => {
                clearTimeout(timer);
                this.signal.removeEventListener('abort', end);
                resolve(this.cancelled);
            };
            const timer = setTimeout(end, this.cancelled ? 0 : waitMs);
            this.signal.addEventListener('abort', end);
        });
    }

    progress(percent = null, note = null) {
        const message = { type: 'progress', id: this.id };
        if (percent !== null) {
            const fits = typeof percent === 'number' && percent >= 0 && percent <= 100;
            expect(fits, 'percent', percent, 'a number from 0 to 100');
            message.percent = percent;
        }
        if (note !== null) {
            message.note = String(note);
        }
        this.#tell(message, 'note');
    }

    // A line of the job's own output, also while others run beside it.
    log(line) {
        this.#tell({ type: 'log', id: this.id, line: String(line) }, 'line');
    }

    // Asks for more time.
    extend(byMs) {
        const by = milliseconds('byMs', byMs);
        this.#tell({ type: 'extend', id: this.id, by_ms: by }, 'byMs');
        if (this.deadline !== null) {
            this.deadline += by;
        }
    }

    // What an earlier attempt, or this one, kept; null if nothing. The results of steps are not part of it.
    get checkpoint() {
        if (!isObject(this.#checkpoint)) {
            return this.#checkpoint;
        }
        const { steps, ...own } = this.#checkpoint;
        return Object.keys(own).length === 0 ? null : own;
    }

    set checkpoint(value) {
        expect(isObject(value), 'checkpoint', value, 'an object');
        expect(!('steps' in value), 'checkpoint', value, 'no member "steps", which job.step() keeps there,');
        const steps = isObject(this.#checkpoint) ? this.#checkpoint.steps : undefined;
        this.#keep(steps === undefined ? value : { ...value, steps });
    }

    // The value of work(), which is JSON, from the attempt that first finished it: done steps are not done again.
    async step(name, work) {
        expect(typeof name === 'string' && name !== '', 'name', name, "the step's name");
        if (Object.hasOwn(this.#stepsDone(), name)) {
            return this.#stepsDone()[name];
        }
        const value = (await work()) ?? null;
        this.#keep({ ...this.#checkpoint, steps: { ...this.#stepsDone(), [name]: value } });
        return value;
    }

    // Ends the attempt; the job runs later, at no cost of attempts.
    snooze(inMs) {
        this.#leave({ type: 'snooze', id: this.id, in_ms: milliseconds('in_ms', inMs) });
    }

    // Ends the attempt as failed; without retry the job is dead. retryIn: milliseconds.
    fail(message, { retry = true, retryIn = null, errorClass = null } = {}) {
        expect(typeof retry === 'boolean', 'retry', retry, 'true or false');
        const end = { type: 'fail', id: this.id, error: String(message), retry };
        if (errorClass !== null) {
            end.class = errorClass;
        }
        if (retryIn !== null) {
            end.retry_in_ms = milliseconds('retryIn', retryIn);
        }
        this.#leave(end);
    }

    // Completes the job in the transaction that `connection` has open: its effects and the completion commit together
    // or not at all. Commit, then return. Throws StaleClaim if the claim is lost. A promise with pg.
    completeIn(connection, result = null, { schema = this.#schema } = {}) {
        return this.#settled('completeIn', database.complete(connection, this.token, result, schema));
    }

    // Fails the attempt in the transaction that `connection` has open; as completeIn().
    failIn(connection, message, { errorClass = null, schema = this.#schema } = {}) {
        return this.#settled('failIn', database.fail(connection, this.token, String(message), errorClass, schema));
    }

    // Says how the attempt ended, once; what the handler decided itself comes first.
    finish(message) {
        if (this.#over) {
            return;
        }
        const said = this.#end ?? (message.type === 'done' ? this.#unlessCommitted : null) ?? message;
        try {
            this.#say(said, said.type === 'done' ? 'result' : 'error');
        } catch (error) {
            if (!(error instanceof ValueError)) {
                throw error;
            }
            this.#say({ type: 'fail', id: this.id, error: error.message, class: error.name }, 'error');
        }
        this.#over = true;
    }

    // If the transaction was committed, the worker finds the job settled by itself, whatever is said here. If not, the
    // job has not been done, and must not be called so.
    #settled(call, asked) {
        const note = () => {
            this.#unlessCommitted = {
                type: 'fail', id: this.id, class: 'NotCommitted',
                error: `the handler ended, but the transaction of its ${call}() was not committed`,
            };
        };
        return asked instanceof Promise ? asked.then(note) : note();
    }

    #stepsDone() {
        const kept = this.#checkpoint;
        expect(kept === null || isObject(kept), 'checkpoint', kept, 'an object, beside whose members steps are kept,');
        const done = kept?.steps ?? {};
        expect(isObject(done), 'checkpoint.steps', done, 'an object');
        return done;
    }

    #leave(end) {
        this.#end = end;
        throw new JobEnded(`job ${this.id} has ended: ${end.type}`);
    }

    #keep(checkpoint) {
        this.#tell({ type: 'progress', id: this.id, checkpoint }, 'checkpoint');
        this.#checkpoint = checkpoint;
    }

    #tell(message, field) {
        if (this.#over) {
            throw new Error(`job ${this.id} has ended; nothing more can be said of it`);
        }
        this.#say(message, field);
    }
}
