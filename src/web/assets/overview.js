// What is going on: problems, figures, charts, queues, kinds, workers.
import {count, fill, h, table} from "./dom.js";
import * as charts from "./charts.js";
import {length, number, percent, time} from "./format.js";
import {follow} from "./live.js";
import {queueRow, queueColumns} from "./queues.js";
import {language, t} from "./texts.js";
import {slots, workerState} from "./workers.js";

function sum(rows, name) {
    return rows.reduce((total, row) => total + row[name], 0);
}

function figure(value, label, hash, bad = false) {
    return h(hash ? "a" : "div", {class: `card figure${bad ? " bad" : ""}`, href: hash, "data-focus": `figure ${label}`},
        h("strong", {}, value), h("span", {}, label));
}

function figures({queues, workers, minutes}) {
    const all = sum(workers.filter(worker => worker.state === "running"), "slots");
    const [completed, failed, dead] = [sum(minutes, "completed"), sum(minutes, "failed"), sum(queues, "dead")];
    const share = failed > 0 ? ` (${percent(failed / (failed + completed))})` : "";
    return [
        figure(number(sum(queues, "available")), t("waiting_now"), "#/jobs?state=available"),
        figure(`${number(sum(queues, "running"))} / ${number(all)}`, t("slots_taken"), "#/jobs?state=running"),
        figure(number(completed), t("completed_hour"), "#/jobs?state=completed&since=1h"),
        figure(number(failed), t("failed_hour") + share, "#/jobs?state=retryable,dead", failed > 0),
        figure(number(dead), t("dead_now"), "#/dead", dead > 0),
    ];
}

// Where to go about a problem.
function placeOf({code, subject}) {
    const jobs = values => `#/jobs?${new URLSearchParams(values)}`;
    return {
        queue_unserved: jobs({queue: subject, state: "available"}), queue_late: jobs({queue: subject, state: "available"}), queue_paused: "#/queues",
        worker_lost: "#/workers", service_held_back: "#/workers", schedule_failed: "#/schedules",
        jobs_dead: jobs({kind: subject, state: "dead"}), kind_failing: jobs({kind: subject, state: "retryable,dead"}),
    }[code] ?? null;
}

// The server words its problems in English, with counts; elsewhere the page's own words come before them.
function wordsOf(problem) {
    const own = t(`problem_${problem.code}`, {subject: problem.subject});
    return language() === "en" || own === `problem_${problem.code}` ? h("span", {}, problem.text)
        : h("span", {}, own, " ", h("span", {class: "hint", lang: "en"}, problem.text));
}

function problemList(overview) {
    const problems = overview.error && !overview.problems.some(one => one.code === "database_unreachable")
        ? [{severity: "error", code: "database_unreachable", subject: "", text: t("database_away")}, ...overview.problems] : overview.problems;
    if (problems.length === 0) {
        return h("p", {class: "fine"}, `✓ ${t("no_problems")}`);
    }
    return h("ul", {class: "problems"}, problems.map(problem => {
        const place = placeOf(problem);
        return h("li", {class: problem.severity}, h("span", {class: "severity"}, t(`severity_${problem.severity}`)), wordsOf(problem),
            place ? h("a", {href: place, "aria-label": `${t("look")}: ${problem.text}`, "data-focus": `problem ${problem.code} ${problem.subject}`}, t("look")) : null);
    }));
}

function kindTable(kinds) {
    const columns = [{title: t("kind"), class: "main code"}, {title: t("completed"), number: true}, {title: t("failed"), number: true},
        {title: t("state_dead"), number: true}, {title: t("mean_run"), number: true}, {title: t("mean_wait"), number: true}];
    const mean = (kind, name) => kind.completed > 0 ? length(kind[name] / kind.completed) : "";
    const to = (kind, values) => `#/jobs?${new URLSearchParams({kind: kind.kind, ...values})}`;
    return table(t("kinds"), columns, [...kinds].sort((a, b) => b.completed + b.failed - a.completed - a.failed).slice(0, 100).map(kind => ({cells: [
        h("a", {class: "row", href: to(kind, {}), "data-focus": `kind ${kind.kind}`}, kind.kind),
        count(kind.completed), count(kind.failed + kind.crashed, to(kind, {state: "retryable,dead"})), count(kind.dead, to(kind, {state: "dead"}), "bad"),
        mean(kind, "run_ms"), mean(kind, "wait_ms"),
    ]})), t("no_kinds"));
}

function workerTable(workers) {
    const columns = [{title: t("worker"), class: "main"}, {title: t("state")}, {title: t("slots")}];
    return table(t("workers"), columns, workers.slice(0, 50).map(worker => ({cells: [
        h("a", {class: "row", href: "#/workers", "data-focus": `worker ${worker.id}`}, worker.name), workerState(worker), slots(worker)]})), t("no_workers"));
}

export function show(root, context) {
    const parts = Object.fromEntries(["problems", "figures", "queues", "kinds", "workers"].map(name => [name, h("div")]));
    const asOf = h("p", {class: "hint"});
    parts.figures.className = "figures";
    parts.problems.setAttribute("aria-live", "polite");
    const canvases = Object.fromEntries(["throughput", "times", "backlog"].map(name => [name, h("canvas", {role: "img", "aria-label": t(name)})]));
    const section = (name, more) => h("section", {class: "card"}, h("h2", {}, t(name)), more);
    fill(root,
        h("div", {class: "head"}, h("h1", {}, t("overview")), asOf),
        section("problems", parts.problems),
        parts.figures,
        h("div", {class: "columns charts"}, Object.entries(canvases).map(([name, canvas]) => section(name, h("div", {class: "chart"}, canvas)))),
        section("queues", parts.queues),
        h("div", {class: "columns"}, section("kinds", parts.kinds), section("workers", parts.workers)));

    // Only what has changed is built anew, so that nothing is lost under the reader's hands.
    const shown = {};
    const update = (name, value, build) => {
        const now = JSON.stringify(value);
        if (shown[name] !== now) {
            shown[name] = now;
            build();
        }
    };
    let last = null;
    const drawMinutes = () => {
        const minutes = charts.fill_minutes(last.minutes, last.taken_at);
        const completed = sum(minutes, "completed");
        const mean = name => length(sum(minutes, name) / Math.max(completed, 1));
        canvases.throughput.setAttribute("aria-label",
            t("chart_throughput", {completed: number(completed), failed: number(sum(minutes, "failed"))}));
        canvases.times.setAttribute("aria-label", t("chart_times", {run: mean("run_ms"), wait: mean("wait_ms")}));
        charts.throughput(canvases.throughput, minutes);
        charts.times(canvases.times, minutes);
    };
    const drawBacklog = () => {
        const unfinished = queue => queue.available + queue.running + queue.scheduled + queue.retryable + queue.blocked;
        const fullest = [...last.queues].filter(queue => unfinished(queue) > 0).sort((a, b) => unfinished(b) - unfinished(a)).slice(0, 8);
        canvases.backlog.setAttribute("aria-label", t("chart_backlog", {count: number(sum(last.queues, "available"))}));
        charts.backlog(canvases.backlog, fullest);
    };
    const unfollow = follow((overview, state) => {
        if (!overview) {
            fill(parts.problems, h("p", {class: "empty"}, t(state === "away" ? "waiting_for_figures" : "loading")));
            return;
        }
        last = overview;
        asOf.textContent = t("as_of", {time: time(overview.taken_at)});
        update("problems", [overview.problems, overview.error], () => fill(parts.problems, problemList(overview)));
        update("figures", [overview.queues, overview.workers, overview.minutes], () => fill(parts.figures, figures(overview)));
        update("minutes", [overview.minutes, overview.taken_at.slice(0, 16)], drawMinutes);
        update("backlog", overview.queues.map(queue => ({...queue, oldest_age_ms: 0})), drawBacklog);
        update("queues", overview.queues, () => fill(parts.queues, table(t("queues"), queueColumns(),
            overview.queues.map(queue => ({cells: queueRow(queue, context, false)})), t("no_queues"))));
        update("kinds", overview.kinds, () => fill(parts.kinds, kindTable(overview.kinds)));
        update("workers", overview.workers, () => fill(parts.workers, workerTable(overview.workers)));
    });
    const redraw = () => last && (drawMinutes(), drawBacklog());
    window.addEventListener("theme", redraw);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    return () => {
        unfollow();
        window.removeEventListener("theme", redraw);
        scheme.removeEventListener("change", redraw);
        Object.values(canvases).forEach(canvas => window.Chart.getChart(canvas)?.destroy());
    };
}
