// The lines of JSON between a service and its worker.
import fs from 'node:fs';
import { ValueError, jsonOf } from './errors.js';

export const lineBytesMax = 1024 * 1024 - 1;

// The line of a message. Throws ValueError that names `field` for what is no JSON or too long.
export function encode(message, field = 'message') {
    const line = jsonOf(field, message);
    const bytes = Buffer.byteLength(line);
    if (bytes > lineBytesMax) {
        throw new ValueError(`${field} makes a message of ${bytes} bytes; at most ${lineBytesMax} was expected`);
    }
    return line;
}

// Moves standard output to another descriptor and puts standard error in its place. Node has no dup2, but opening a
// descriptor's own name makes another one, and a closed number is the next to be given away. A new one also waits
// where the pipe is full, so that a line is written whole.
function takeStandardOutput() {
    const taken = fs.openSync('/dev/fd/1', 'w');
    fs.closeSync(1);
    let given;
    try {
        given = fs.openSync('/dev/fd/2', 'a');
    } catch {
        // A socket cannot be opened by its name; then what goes to 1 goes nowhere, and the override below is what helps.
        given = fs.openSync('/dev/null', 'w');
    }
    if (given !== 1) {
        throw new Error('run() has to be called before anything else uses standard output');
    }
    process.stdout.write = process.stderr.write.bind(process.stderr);
    return taken;
}

export class Channel {
    constructor(input, descriptor) {
        this.input = input;
        this.descriptor = descriptor;
    }

    // Takes standard input and output for itself. What the process or its children print to standard output from now
    // on goes to standard error.
    static onStandardStreams() {
        return new Channel(process.stdin, takeStandardOutput());
    }

    // Calls `onLine` with each whole line, without its end, and `onEnd` when the input ends.
    read(onLine, onEnd) {
        let parts = [];
        this.input.on('data', (chunk) => {
            let from = 0;
            for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
                parts.push(chunk.subarray(from, to));
                from = to + 1;
                const line = Buffer.concat(parts).toString();
                parts = [];
                onLine(line);
            }
            parts.push(chunk.subarray(from));
        });
        this.input.on('end', onEnd);
        this.input.on('error', onEnd);
    }

    say(message, field = 'message') {
        let data = Buffer.from(`${encode(message, field)}\n`);
        try {
            while (data.length > 0) {
                data = data.subarray(fs.writeSync(this.descriptor, data));
            }
        } catch (error) {
            if (error.code !== 'EPIPE') {
                throw error;
            }
            // Nobody listens: what still runs could not be reported, and open transactions are rolled back.
            process.exit(1);
        }
    }
}
