// Connections for tests where no driver of Node's is at hand: real transactions through psql and sqlite3, with as much
// of the interfaces of `pg` and better-sqlite3 as jobrunner's client uses.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const url = process.env.LEDGER_DATABASE;
const end = '--end of answer--';

export function connect() {
    return url.startsWith('sqlite://') ? new SqliteShell(url.slice('sqlite://'.length)) : new PsqlShell();
}

function literal(value) {
    return value === null ? 'NULL' : typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

class PsqlShell {
    #process = spawn('psql', ['-XqAt', '-d', url], { stdio: ['pipe', 'pipe', 'ignore'] });
    #lines = readline.createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();

    async query(text, values) {
        const statement = text.replaceAll(/\$([0-9]+)/g, (_, place) => literal(values[place - 1]));
        this.#process.stdin.write(`${statement};\n\\echo '${end}' :SQLSTATE :LAST_ERROR_MESSAGE\n`);
        const rows = [];
        for (;;) {
            const { value: line, done } = await this.#lines.next();
            if (done) {
                throw new Error('psql has ended');
            }
            if (line.startsWith(end)) {
                const [, code, message] = /^ (\w+) ?(.*)$/.exec(line.slice(end.length));
                if (code !== '00000') {
                    throw Object.assign(new Error(message), { code });
                }
                return { rows };
            }
            rows.push({ id: line });
        }
    }
}

// Synchronous as better-sqlite3 is: it reads and writes pipes with names.
class SqliteShell {
    #place = fs.mkdtempSync(path.join(os.tmpdir(), 'jobrunner-shell-'));
    #input;
    #output;
    inTransaction = false;

    constructor(file) {
        const [input, output] = ['in', 'out'].map((name) => path.join(this.#place, name));
        spawnSync('mkfifo', [input, output]);
        spawn('sh', ['-c', 'exec sqlite3 -batch -json "$0" < "$1" > "$2" 2>&1', file, input, output],
            { stdio: 'ignore' }).unref();
        this.#input = fs.openSync(input, 'w');
        this.#output = fs.openSync(output, 'r');
        fs.rmSync(this.#place, { recursive: true });
        fs.writeSync(this.#input, '.timeout 30000\n');
    }

    prepare(text) {
        return {
            run: (...values) => this.#ask(text, values),
            get: (...values) => this.#ask(text, values)[0],
        };
    }

    #ask(text, values) {
        let place = 0;
        const statement = text.replaceAll('?', () => literal(values[place++]));
        fs.writeSync(this.#input, `${statement};\n.print ${end}\n`);
        const said = this.#answer();
        if (/^(Runtime|Parse) error/m.test(said)) {
            // What refuses a token takes the transaction with it.
            this.inTransaction = this.inTransaction && !said.includes('no longer held');
            throw new Error(said);
        }
        const verb = /^\w+/.exec(text)[0];
        this.inTransaction = verb === 'BEGIN' || (this.inTransaction && verb !== 'COMMIT' && text !== 'ROLLBACK');
        return said === '' ? [] : JSON.parse(said);
    }

    #answer() {
        const buffer = Buffer.alloc(65536);
        let said = '';
        while (!said.endsWith(`${end}\n`)) {
            const count = fs.readSync(this.#output, buffer);
            if (count === 0) {
                throw new Error(`sqlite3 has ended: ${said}`);
            }
            said += buffer.toString('utf8', 0, count);
        }
        return said.slice(0, -end.length - 1).trim();
    }
}
