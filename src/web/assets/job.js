// One job: what it is, how its attempts went, what it printed, why it waits.
import {get} from "./api.js";
import {actOnOne, isPossible, verbs} from "./actions.js";
import {editJob} from "./edit.js";
import {badge, button, fill, h, problem, textBlock} from "./dom.js";
import {ago, bytes, json, length, number, percent, since, state, time} from "./format.js";
import {LogView} from "./log.js";
import {t} from "./texts.js";

const unfinished = new Set(["available", "scheduled", "blocked", "running", "retryable"]);

function facts(rows) {
    return h("dl", {class: "facts"}, rows.filter(([, value]) => value !== null && value !== undefined && value !== "").map(
        ([name, value, kind]) => [h("dt", {}, name), h("dd", {class: kind}, value)]));
}

function instant(value) {
    return value ? h("time", {datetime: value, title: time(value)}, time(value), h("span", {class: "hint"}, ` ${ago(value)}`)) : null;
}

function link(name, value, text = value) {
    return h("a", {href: `#/jobs?${new URLSearchParams({[name]: value})}`, "data-focus": `fact ${name} ${value}`}, text);
}

// Names of workers by id, also of those that have stopped.
let workers = new Map();

async function readWorkers() {
    workers = new Map((await get("/workers")).items.map(worker => [worker.id, worker.name === worker.host ? worker.name : `${worker.name} · ${worker.host}`]));
}

function workerName(id) {
    return workers.get(id) ?? id;
}

function factsOf(job) {
    const ran = job.started_at && job.finished_at && job.claimed_at ? since(job.claimed_at, job.finished_at) : null;
    return facts([
        [t("kind"), link("kind", job.kind), "code"], [t("queue"), link("queue", job.queue), "code"], [t("priority"), number(job.priority)],
        [t("attempt"), job.max_attempts ? `${number(job.attempt)} / ${number(job.max_attempts)}` : number(job.attempt)],
        [t("crashes"), job.crashes ? number(job.crashes) : null], [t("snoozes"), job.snoozes ? number(job.snoozes) : null],
        [t("give_backs"), job.give_backs ? number(job.give_backs) : null],
        [t("created"), instant(job.created_at)], [t("run_at"), job.finished_at || job.state === "running" ? null : instant(job.run_at)],
        [t("started"), instant(job.claimed_at)], [t("finished"), instant(job.finished_at)], [t("ran"), ran], [t("expires"), instant(job.expires_at)],
        [t("timeout"), length(job.timeout_ms)], [t("worker"), job.worker ? workerName(job.worker) : null, "code"], [t("unique_key"), job.unique_key, "code"],
        [t("tag"), job.tags.length > 0 ? h("span", {class: "tags"}, job.tags.map(tag => link("tag", tag))) : null],
        [t("reason"), job.reason], [t("cpu"), length(job.cpu_ms)], [t("memory"), bytes(job.max_rss_bytes)],
        [t("disk"), job.read_bytes === null ? null : t("disk_both", {read: bytes(job.read_bytes), written: bytes(job.write_bytes)})]]);
}

function card(title, ...content) {
    return h("section", {class: "card"}, h("h2", {}, title), content);
}

function block(title, value) {
    return value === null || value === undefined || JSON.stringify(value) === "{}" ? null : card(title, textBlock(title, json(value)));
}

function attemptItem(attempt) {
    const end = attempt.signal !== null ? t("signal", {number: attempt.signal}) : attempt.exit_code !== null ? t("exit_code", {number: attempt.exit_code}) : null;
    const used = [attempt.cpu_ms === null ? null : `${t("cpu")} ${length(attempt.cpu_ms)}`, attempt.max_rss_bytes === null ? null : bytes(attempt.max_rss_bytes)];
    return h("li", {class: attempt.outcome},
        h("div", {class: "line"}, h("strong", {}, t("attempt_number", {number: number(attempt.attempt)})), badge(attempt.outcome, t(`outcome_${attempt.outcome}`)),
            h("time", {datetime: attempt.finished_at, title: ago(attempt.finished_at), class: "faint"}, time(attempt.finished_at))),
        h("div", {class: "hint"}, [attempt.started_at ? t("ran_for", {length: since(attempt.started_at, attempt.finished_at)}) : null, end, ...used,
            attempt.worker ? t("on_worker", {worker: workerName(attempt.worker)}) : null].filter(Boolean).join(" · ")),
        attempt.error ? h("div", {class: "code bad said"}, attempt.error_class ? `${attempt.error_class}: ${attempt.error}` : attempt.error) : null,
        attempt.backtrace ? h("details", {}, h("summary", {}, t("backtrace")), textBlock(t("backtrace"), attempt.backtrace)) : null);
}

function runningItem(job) {
    return h("li", {class: "running"}, h("div", {class: "line"}, h("strong", {}, t("attempt_now")), badge("running", t("state_running")),
        h("span", {class: "faint"}, t("running_for", {length: since(job.claimed_at)}))),
    h("div", {class: "hint"}, job.worker ? t("on_worker", {worker: workerName(job.worker)}) : null));
}

function timeline(job, attempts) {
    const items = [job.state === "running" ? runningItem(job) : null, ...[...attempts].reverse().map(attemptItem)].filter(Boolean);
    return items.length > 0 ? h("ol", {class: "timeline"}, items)
        : h("p", {class: "empty"}, t(job.state === "completed" ? "no_attempts" : "no_attempts_yet"));
}

function progressOf(progress) {
    if (!progress) {
        return null;
    }
    return card(t("progress"),
        progress.percent === null ? null : h("div", {class: "meter large"}, h("progress", {max: 100, value: progress.percent, "aria-label": t("progress")}),
            h("strong", {}, percent(progress.percent / 100))),
        h("p", {class: "hint"}, [progress.note, ago(progress.updated_at)].filter(Boolean).join(" · ")),
        progress.checkpoint ? h("details", {}, h("summary", {}, t("checkpoint")), textBlock(t("checkpoint"), json(progress.checkpoint))) : null);
}

function whyOf(explanation) {
    return card(t("why"),
        h("ul", {class: "reasons"}, explanation.reasons.map(reason => h("li", {}, reason.text))),
        explanation.not_before ? h("p", {class: "hint"}, `${t("run_at")}: `, instant(explanation.not_before)) : null,
        explanation.depends_on.length > 0 ? h("p", {}, `${t("depends_on")}: `, explanation.depends_on.slice(0, 100).map((parent, nth) => [
            nth > 0 ? ", " : null, h("a", {href: `#/jobs/${parent.id}`}, parent.id), " ", badge(parent.state, state(parent.state))])) : null);
}

// An error stands by itself only where no attempt shows it.
function errorOf(job, attempts) {
    return job.error && !attempts.some(attempt => attempt.error === job.error) ? card(t("error"), textBlock(t("error"), job.error)) : null;
}

export function show(root, context) {
    const {id} = context;
    const parts = Object.fromEntries(["head", "problem", "facts", "why", "progress", "error", "args", "rest", "attempts"].map(name => [name, h("div", {class: "view"})]));
    const log = new LogView();
    const heading = h("h1", {}, t("job", {id}));
    let timer = null;
    let over = false;
    let shown = "";

    const act = async (verb, job) => {
        if (await actOnOne(verb, job)) {
            verb === "delete" ? (location.hash = "#/jobs") : load();
        }
    };
    const acts = job => [...verbs, {name: "edit", scope: "operate"}].map(({name, scope}) => isPossible(name, job.state)
        ? context.guarded(scope, t(name), () => name === "edit" ? editJob(job, load) : act(name, job), {class: name === "delete" ? "danger" : null, "data-focus": name})
        : button(t(name), null, {disabled: true, title: t("not_in_state", {state: state(job.state)}), "data-focus": name}));
    const draw = (job, attempts, explanation) => {
        fill(heading, t("job", {id}), " ", badge(job.state, state(job.state)));
        fill(parts.head, h("p", {class: "subject"}, h("span", {class: "code"}, job.kind), " ", h("span", {class: "faint"}, t("in_queue", {queue: job.queue}))),
            h("div", {class: "buttons"}, acts(job)));
        fill(parts.facts, card(t("facts"), factsOf(job)));
        fill(parts.why, unfinished.has(job.state) && job.state !== "running" && explanation ? whyOf(explanation) : null);
        fill(parts.progress, progressOf(job.progress));
        fill(parts.error, errorOf(job, attempts));
        fill(parts.args, block(t("args"), job.args), block(t("result"), job.result));
        fill(parts.rest, block(t("meta"), job.meta));
        fill(parts.attempts, card(t("attempts"), timeline(job, attempts)));
    };

    async function load() {
        clearTimeout(timer);
        let wait = 2000;
        try {
            if (shown === "") {
                await readWorkers().catch(() => {}); // Then their ids say as much.
            }
            const [job, attempts, explanation, printed] = await Promise.all([get(`/jobs/${id}`), get(`/jobs/${id}/attempts`),
                get(`/jobs/${id}/explain`).catch(() => null), get(`/jobs/${id}/log`)]);
            if (over) {
                return;
            }
            fill(parts.problem);
            const now = JSON.stringify([job, attempts.items, explanation, job.state === "running" ? Date.now() : 0]);
            if (now !== shown) {
                shown = now;
                draw(job, attempts.items, explanation);
            }
            log.show(printed.items, job.state === "running");
            wait = unfinished.has(job.state) ? wait : 30000;
        } catch (error) {
            if (over) {
                return;
            }
            fill(parts.problem, problem(error.message), error.status === 404 ? h("p", {}, t("job_gone"), " ", h("a", {href: "#/jobs"}, t("jobs"))) : null);
            wait = error.status === 404 ? null : 5000;
        }
        timer = wait ? setTimeout(load, document.hidden ? 30000 : wait) : null;
    }
    fill(root, h("div", {class: "head job-head"}, heading, parts.head), parts.problem, h("div", {class: "job"},
        h("div", {class: "view"}, parts.progress, parts.why, parts.error, parts.attempts, log.element, parts.args, parts.rest),
        parts.facts));
    load();
    return () => {
        over = true;
        clearTimeout(timer);
    };
}
