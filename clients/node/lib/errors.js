import { inspect } from 'node:util';

class NamedError extends Error {
    constructor(message, options) {
        super(message, options);
        this.name = this.constructor.name;
    }
}

// The job is another claim's by now, or settled already. The transaction that was told so cannot commit.
export class StaleClaim extends NamedError {}

// Thrown by job.checkCancelled(): the job was cancelled, or its time is over.
export class Cancelled extends NamedError {}

// A value that is not what was expected; the message names its field.
export class ValueError extends NamedError {}

// Leaves a handler whose end is settled (snooze, fail). A handler that catches it ends that way all the same.
export class JobEnded extends NamedError {}

export function expect(condition, field, value, expected) {
    if (condition) {
        return;
    }
    const text = inspect(value, { depth: 1, breakLength: Infinity });
    const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
    throw new ValueError(`${field} is ${shown}; ${expected} was expected`);
}

export function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const yearMs = 366 * 86_400_000;

// A length as the protocol writes it.
export function milliseconds(field, value) {
    const fits = typeof value === 'number' && value >= 0 && value <= yearMs;
    expect(fits, field, value, 'a number of milliseconds from 0 to a year');
    return Math.round(value);
}

// Throws ValueError that names `field` for what is no JSON.
export function jsonOf(field, value) {
    let text;
    try {
        text = JSON.stringify(value);
    } catch (error) {
        throw new ValueError(`${field} is no JSON: ${error.message}`, { cause: error });
    }
    if (text === undefined) {
        throw new ValueError(`${field} is no JSON: a ${typeof value} has none`);
    }
    return text;
}
