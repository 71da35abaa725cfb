import { Channel, encode } from './channel.js';
import { JobEnded, expect, isObject } from './errors.js';
import { Job } from './job.js';

// How a worker begins a job's line: enough to fail the job whose line cannot be read.
const jobLine = /^\{"type":"job","id":"([0-9]+)"/g;
const chunkLine = '{"type":"jobs","jobs":[';
const jobInChunk = /[[,]\{"type":"job","id":"([0-9]+)"/g;
const errorCharactersMax = 64 * 1024;
const backtraceLinesMax = 200;

function classOf(error) {
    return error instanceof Error ? error.constructor.name || error.name : typeof error;
}

function failure(id, error) {
    const lines = [];
    for (let at = error; at instanceof Error && lines.length < backtraceLinesMax; at = at.cause) {
        if (at !== error) {
            lines.push(`caused by ${classOf(at)}: ${at.message}`);
        }
        lines.push(...String(at.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).map((line) => line.trim()));
    }
    const text = error instanceof Error ? error.message : String(error);
    return {
        type: 'fail', id, error: text.slice(0, errorCharactersMax) || classOf(error), class: classOf(error),
        backtrace: lines.slice(0, backtraceLinesMax).map((line) => line.slice(0, 1000)),
    };
}

function done(id, result) {
    return result === undefined || result === null ? { type: 'done', id } : { type: 'done', id, result };
}

// A process that takes many jobs: handlers by kind, run for the worker at the other end of standard input and output.
//
// concurrency: how many jobs run at a time, on the one thread that Node has: what keeps it busy without waiting keeps
// everything else, cancels too, from happening.
// schema: where completeIn() finds jobrunner's functions in PostgreSQL.
export class Service {
    #concurrency;
    #schema;
    #handlers = new Map();
    #chunkHandlers = new Map();
    #accepted = new Map();
    #waiting = [];
    #running = 0;
    #stopping = false;
    #channel = null;
    #stopped = null;

    constructor({ concurrency = 1, schema = 'jobrunner' } = {}) {
        const fits = Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 10_000;
        expect(fits, 'concurrency', concurrency, 'a whole number from 1 to 10000');
        this.#concurrency = concurrency;
        this.#schema = schema;
    }

    // Registers a handler, which is given a Job; what it returns, or the promise of it, is the result.
    on(kind, handler) {
        return this.#register(this.#handlers, kind, handler);
    }

    // Registers a handler that is given an array of Jobs. It returns an array with what became of each, in their order: its
    // result, or an Error, which fails it; or nothing, and all are done. What it throws fails all of them that have not ended
    // by themselves. Promises are waited for.
    onChunk(kind, handler) {
        return this.#register(this.#chunkHandlers, kind, handler);
    }

    #register(handlers, kind, handler) {
        expect(typeof kind === 'string' && kind !== '', 'kind', kind, 'the name of a kind');
        expect(typeof handler === 'function', 'handler', handler, 'a function');
        const known = this.#handlers.has(kind) || this.#chunkHandlers.has(kind);
        expect(!known, 'kind', kind, 'a kind without a handler');
        handlers.set(kind, handler);
        return this;
    }

    // Serves until the worker says shutdown or goes away and what runs has ended; then the process exits with 0.
    run() {
        this.#channel = Channel.onStandardStreams();
        this.#stopped = () => process.exit(0);
        // What a handler left behind and nobody waits for is no reason to fail the other jobs.
        process.on('unhandledRejection', (reason) => {
            process.stderr.write(`jobrunner: nobody waited for a promise that was rejected: ${reason?.stack ?? reason}\n`);
        });
        this.#channel.say({ type: 'ready', concurrency: this.#concurrency });
        this.#channel.read((line) => this.#take(line), () => this.#stop());
    }

    // For tests: runs a job without a worker. Resolves to the messages that were said; the last is its end.
    async perform(kind, args = {}, rest = {}) {
        const said = [];
        const message = {
            id: '1', kind, args, queue: 'default', attempt: 1, max_attempts: 25, token: '1.1.1', deadline_ms: null,
            checkpoint: null, ...rest,
        };
        const job = new Job(JSON.parse(JSON.stringify(message)),
            (line, field) => said.push(JSON.parse(encode(line, field))), this.#schema);
        job.finish((await this.#resultsOf([job]))[0]);
        return said;
    }

    #stop() {
        this.#stopping = true;
        this.#leaveWhenIdle();
    }

    #leaveWhenIdle() {
        if (this.#stopping && this.#running === 0 && this.#waiting.length === 0) {
            this.#stopped();
        }
    }

    #take(line) {
        try {
            const message = JSON.parse(line);
            const type = isObject(message) ? message.type : null;
            if (type === 'job') {
                this.#accept([message]);
            } else if (type === 'jobs') {
                this.#accept(message.jobs);
            } else if (type === 'cancel') {
                this.#accepted.get(message.id)?.cancel();
            } else if (type === 'shutdown') {
                this.#stop();
            } else {
                this.#complain('its type is none of job, jobs, cancel and shutdown');
            }
        } catch (error) { // a line must not end the service
            this.#complain(error.message);
            for (const [, id] of line.matchAll(line.startsWith(chunkLine) ? jobInChunk : jobLine)) {
                this.#refuse(id, error);
            }
        }
    }

    #accept(messages) {
        const jobs = messages.map((message) => this.#jobOf(message)).filter((job) => job !== null);
        if (jobs.length > 0 && this.#chunkHandlers.has(jobs[0].kind)) {
            this.#waiting.push(jobs);
        } else {
            this.#waiting.push(...jobs.map((job) => [job]));
        }
        this.#startJobs();
    }

    #jobOf(message) {
        const { id } = message;
        if (typeof id !== 'string') {
            this.#complain('its id is no string');
            return null;
        }
        if (this.#accepted.has(id)) {
            this.#complain(`job ${id} runs already`);
            return null;
        }
        try {
            const job = new Job(message, (line, field) => this.#channel.say(line, field), this.#schema);
            this.#accepted.set(id, job);
            return job;
        } catch (error) {
            this.#refuse(id, error);
            return null;
        }
    }

    #refuse(id, error) {
        this.#channel.say({
            type: 'fail', id, error: `the service cannot read the job: ${error.message}`, class: 'BadMessage',
        });
    }

    #complain(why) {
        process.stderr.write(`jobrunner: a message was passed over: ${why}\n`);
    }

    #startJobs() {
        while (this.#running < this.#concurrency && this.#waiting.length > 0) {
            this.#running += 1;
            this.#serve(this.#waiting.shift());
        }
    }

    async #serve(jobs) {
        const ends = await this.#resultsOf(jobs);
        jobs.forEach((job, at) => {
            // Out of the book before its end is said: the worker may send the job's next attempt at once.
            this.#accepted.delete(job.id);
            job.finish(ends[at]);
        });
        this.#running -= 1;
        this.#startJobs();
        this.#leaveWhenIdle();
    }

    async #resultsOf(jobs) {
        const handler = this.#chunkHandlers.get(jobs[0].kind);
        if (handler === undefined) {
            return [await this.#resultOf(jobs[0])];
        }
        try {
            const results = (await handler(jobs)) ?? jobs.map(() => null);
            const fits = Array.isArray(results) && results.length === jobs.length;
            expect(fits, "the chunk's result", typeof results, `an array of ${jobs.length}, or nothing,`);
            return jobs.map(({ id }, at) => (results[at] instanceof Error ? failure(id, results[at]) : done(id, results[at])));
        } catch (error) {
            return jobs.map(({ id }) => failure(id, error));
        }
    }

    async #resultOf(job) {
        const handler = this.#handlers.get(job.kind);
        if (handler === undefined) {
            const known = [...this.#handlers.keys(), ...this.#chunkHandlers.keys()].sort().join(', ') || 'none';
            return {
                type: 'fail', id: job.id, retry: false, class: 'UnknownKind',
                error: `this service has no handler for the kind "${job.kind}"; it has: ${known}`,
            };
        }
        try {
            return done(job.id, await handler(job));
        } catch (error) {
            return error instanceof JobEnded ? { type: 'done', id: job.id } : failure(job.id, error);
        }
    }
}
