// One job: what it is, how its attempts went, what it printed, why it waits.
import {get, post} from "./api.js";
import {confirmOne, verbs} from "./actions.js";
import {badge, button, dialog, fill, h} from "./dom.js";
import {ago, bytes, json, length, number, state, time} from "./format.js";
import {t} from "./texts.js";

const unfinished = new Set(["available", "scheduled", "blocked", "running", "retryable"]);
const editable = ["priority", "queue", "max_attempts", "args", "tags", "meta"];

function facts(rows) {
    return h("dl", {class: "facts"}, rows.filter(([, value]) => value !== null && value !== undefined && value !== "").map(
        ([name, value, kind]) => [h("dt", {}, name), h("dd", {class: kind}, value)]));
}

function instant(value) {
    return value ? h("time", {datetime: value, title: ago(value)}, `${time(value)} (${ago(value)})`) : null;
}

function link(name, value) {
    return h("a", {href: `#/jobs?${new URLSearchParams({[name]: value})}`}, value);
}

function factsOf(job) {
    return facts([
        [t("kind"), link("kind", job.kind), "code"], [t("queue"), link("queue", job.queue), "code"], [t("priority"), number(job.priority)],
        [t("attempt"), job.max_attempts ? `${job.attempt}/${job.max_attempts}` : number(job.attempt)],
        [t("created"), instant(job.created_at)], [t("run_at"), job.finished_at ? null : instant(job.run_at)],
        [t("started"), instant(job.claimed_at)], [t("finished"), instant(job.finished_at)], [t("expires"), instant(job.expires_at)],
        [t("timeout"), length(job.timeout_ms)], [t("worker"), job.worker, "code"], [t("unique_key"), job.unique_key, "code"],
        [t("tag"), job.tags.length > 0 ? job.tags.map((tag, nth) => [nth > 0 ? ", " : null, link("tag", tag)]) : null],
        [t("reason"), job.reason], [t("cpu"), length(job.cpu_ms)], [t("memory"), bytes(job.max_rss_bytes)],
        [t("disk"), job.read_bytes === null ? null : `${bytes(job.read_bytes)} / ${bytes(job.write_bytes)}`]]);
}

function block(title, value) {
    return value === null || value === undefined || JSON.stringify(value) === "{}" ? null
        : h("section", {class: "card"}, h("h2", {}, title), h("pre", {tabindex: "0", "aria-label": title}, json(value)));
}

function attemptItem(attempt) {
    const took = attempt.started_at ? new Date(attempt.finished_at) - new Date(attempt.started_at) : null;
    const end = attempt.signal !== null ? `signal ${attempt.signal}` : attempt.exit_code !== null ? `exit ${attempt.exit_code}` : null;
    return h("li", {class: attempt.outcome},
        h("div", {}, badge(attempt.outcome, attempt.outcome.replaceAll("_", " ")), " ", h("strong", {}, `${t("attempt")} ${attempt.attempt}`), " ",
            h("span", {class: "faint"}, [time(attempt.finished_at), length(took), end, length(attempt.cpu_ms), bytes(attempt.max_rss_bytes)]
                .filter(Boolean).join(" · "))),
        attempt.error ? h("div", {class: "code bad"}, attempt.error_class ? `${attempt.error_class}: ${attempt.error}` : attempt.error) : null,
        attempt.backtrace ? h("details", {}, h("summary", {}, t("backtrace")), h("pre", {tabindex: "0"}, attempt.backtrace)) : null);
}

function progressOf(progress) {
    return progress ? h("section", {class: "card form"}, h("h2", {}, t("progress")),
        progress.percent === null ? null : h("progress", {max: 100, value: progress.percent, "aria-label": t("progress")}),
        h("p", {class: "hint"}, [progress.percent === null ? null : `${number(progress.percent)} %`, progress.note].filter(Boolean).join(" · ")),
        progress.checkpoint ? h("details", {}, h("summary", {}, t("checkpoint")), h("pre", {tabindex: "0"}, json(progress.checkpoint))) : null) : null;
}

function whyOf(explanation) {
    return h("section", {class: "card"}, h("h2", {}, t("why")),
        h("ul", {}, explanation.reasons.map(reason => h("li", {}, reason.text))),
        explanation.depends_on.length > 0 ? h("p", {}, `${t("depends_on")}: `, explanation.depends_on.slice(0, 100).map((parent, nth) => [
            nth > 0 ? ", " : null, h("a", {href: `#/jobs/${parent.id}`}, parent.id), " ", badge(parent.state, state(parent.state))])) : null);
}

async function edit(job, context, then) {
    const area = h("textarea", {id: "edit", spellcheck: "false"});
    area.value = JSON.stringify(Object.fromEntries(editable.map(name => [name, job[name]])), null, 2);
    const problem = h("p", {class: "problem", role: "alert"});
    const changes = await dialog(`${t("edit")}: ${t("job", {id: job.id})}`, close => h("form", {class: "form", onsubmit: event => {
        event.preventDefault();
        try {
            const wanted = JSON.parse(area.value);
            close(Object.fromEntries(Object.entries(wanted).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(job[name]))));
        } catch {
            fill(problem, t("not_json", {field: t("edit")}));
        }
    }}, h("label", {for: "edit"}, t("facts")), area, problem, h("div", {class: "buttons"},
        h("button", {type: "submit", class: "primary"}, t("edit")), button(t("back"), () => close(null)))));
    if (changes && Object.keys(changes).length > 0) {
        await context.act(() => post(`/jobs/${job.id}/edit`, changes), then);
    }
}

export function show(root, context) {
    const {id} = context;
    const parts = Object.fromEntries(["head", "facts", "why", "progress", "blocks", "attempts", "log"].map(name => [name, h("div", {class: "view"})]));
    let timer = null;
    let over = false;
    let shown = "";
    let printed = -1;

    const act = async verb => {
        const body = await confirmOne(verb, id);
        if (body) {
            await context.act(() => post(`/jobs/${id}/${verb}`, body), () => verb === "delete" ? (location.hash = "#/jobs") : load());
        }
    };
    const draw = (job, attempts, explanation) => {
        fill(parts.head, h("div", {class: "head"}, h("h1", {}, t("job", {id}), " ", badge(job.state, state(job.state))),
            h("div", {class: "buttons"}, verbs.map(({name, scope}) => context.guarded(scope, t(name), () => act(name),
                {class: name === "delete" ? "danger" : null, "data-focus": name})),
            context.guarded("operate", t("edit"), () => edit(job, context, load), {"data-focus": "edit"}))));
        fill(parts.facts, h("section", {class: "card"}, h("h2", {}, t("facts")), factsOf(job)));
        fill(parts.why, unfinished.has(job.state) && job.state !== "running" ? whyOf(explanation) : null);
        fill(parts.progress, progressOf(job.progress));
        fill(parts.blocks, block(t("error"), job.error), block(t("args"), job.args), block(t("result"), job.result), block(t("meta"), job.meta));
        fill(parts.attempts, h("section", {class: "card"}, h("h2", {}, t("attempts")), attempts.length > 0
            ? h("ol", {class: "timeline"}, attempts.map(attemptItem)) : h("p", {class: "empty"}, t("no_attempts"))));
    };
    const drawLog = log => {
        const text = log.items.map(chunk => chunk.body).join("");
        if (text.length === printed) {
            return;
        }
        printed = text.length;
        const lines = h("pre", {tabindex: "0", "aria-label": t("log")}, text);
        fill(parts.log, h("section", {class: "card"}, h("h2", {}, t("log")), text ? lines : h("p", {class: "empty"}, t("no_log"))));
        lines.scrollTop = lines.scrollHeight;
    };

    async function load() {
        clearTimeout(timer);
        try {
            const [job, attempts, explanation, log] = await Promise.all([get(`/jobs/${id}`), get(`/jobs/${id}/attempts`),
                get(`/jobs/${id}/explain`), get(`/jobs/${id}/log`)]);
            if (over) {
                return;
            }
            const now = JSON.stringify([job, attempts.items, explanation]);
            if (now !== shown) {
                shown = now;
                draw(job, attempts.items, explanation);
            }
            drawLog(log);
            timer = unfinished.has(job.state) ? setTimeout(load, document.hidden ? 15000 : 2000) : null;
        } catch (error) {
            fill(parts.head, h("h1", {}, t("job", {id})), h("p", {class: "problem", role: "alert"}, error.message || t("unreachable")));
            timer = error.status === 404 || over ? null : setTimeout(load, 5000);
        }
    }
    fill(root, parts.head, parts.progress, h("div", {class: "columns"}, parts.facts, h("div", {class: "view"}, parts.why, parts.attempts)), parts.blocks, parts.log);
    fill(parts.head, h("h1", {}, t("job", {id})));
    load();
    return () => {
        over = true;
        clearTimeout(timer);
    };
}
