// What is going on: problems, figures, charts, queues, kinds.
import {badge, fill, h, table} from "./dom.js";
import * as charts from "./charts.js";
import {length, number, time} from "./format.js";
import {follow} from "./live.js";
import {queueRow, queueColumns} from "./queues.js";
import {t} from "./texts.js";

function sum(rows, name) {
    return rows.reduce((total, row) => total + row[name], 0);
}

function figure(value, label, hash, bad = false) {
    return h(hash ? "a" : "div", {class: `card figure${bad ? " bad" : ""}`, href: hash},
        h("strong", {}, number(value)), h("span", {}, label));
}

function figures({queues, workers, minutes}) {
    const slots = sum(workers, "slots");
    const failed = sum(minutes, "failed");
    const dead = sum(queues, "dead");
    return [
        figure(sum(queues, "available"), t("waiting_now"), "#/jobs?state=available"),
        figure(sum(queues, "running"), `${t("running_now")} ${t("slots_used", {slots: number(slots)})}`, "#/jobs?state=running"),
        figure(sum(minutes, "completed"), t("completed_hour"), "#/jobs?state=completed"),
        figure(failed, t("failed_hour"), "#/jobs?state=retryable", failed > 0),
        figure(dead, t("dead_now"), "#/dead", dead > 0),
    ];
}

function problemList(overview) {
    const problems = overview.error && !overview.problems.some(one => one.code === "database_unreachable")
        ? [{severity: "error", text: t("database_away")}, ...overview.problems] : overview.problems;
    return problems.length === 0 ? h("p", {class: "fine"}, `✓ ${t("no_problems")}`)
        : h("ul", {class: "problems"}, problems.map(problem => h("li", {class: problem.severity},
            h("span", {class: "severity"}, t(`severity_${problem.severity}`)), h("span", {}, problem.text))));
}

function kindTable(kinds) {
    const columns = [{title: t("kind"), class: "code"}, {title: t("completed"), number: true}, {title: t("failed"), number: true},
        {title: t("dead_now"), number: true}, {title: t("mean_run"), number: true}, {title: t("mean_wait"), number: true}];
    const mean = (kind, name) => kind.completed > 0 ? length(kind[name] / kind.completed) : "";
    return table(t("kinds"), columns, [...kinds].sort((a, b) => b.completed - a.completed).slice(0, 100).map(kind => ({cells: [
        h("a", {class: "row", href: `#/jobs?kind=${encodeURIComponent(kind.kind)}`, "data-focus": `kind ${kind.kind}`}, kind.kind),
        number(kind.completed), number(kind.failed + kind.crashed), number(kind.dead), mean(kind, "run_ms"), mean(kind, "wait_ms"),
    ]})), t("no_kinds"));
}

function workerTable(workers) {
    const columns = [{title: t("worker")}, {title: t("state")}, {title: t("running_now"), number: true}];
    return table(t("workers"), columns, workers.slice(0, 50).map(worker => ({cells: [worker.name,
        badge(worker.state, t(`state_${worker.state}`)), `${number(worker.running)}/${number(worker.slots)}`]})), t("no_workers"));
}

export function show(root, context) {
    const parts = Object.fromEntries(["asOf", "problems", "figures", "queues", "kinds", "workers"].map(name => [name, h("div")]));
    parts.asOf.className = "hint";
    parts.figures.className = "figures";
    parts.problems.setAttribute("aria-live", "polite");
    const canvases = {throughput: h("canvas", {role: "img"}), times: h("canvas", {role: "img"})};
    fill(root,
        h("div", {class: "head"}, h("h1", {}, t("overview")), parts.asOf),
        h("section", {class: "card"}, h("h2", {}, t("problems")), parts.problems),
        parts.figures,
        h("div", {class: "columns"}, ["throughput", "times"].map(name =>
            h("section", {class: "card"}, h("h2", {}, t(name)), h("div", {class: "chart"}, canvases[name])))),
        h("section", {class: "card"}, h("h2", {}, t("queues")), parts.queues),
        h("div", {class: "columns"},
            h("section", {class: "card"}, h("h2", {}, t("kinds")), parts.kinds),
            h("section", {class: "card"}, h("h2", {}, t("workers")), parts.workers)));

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
    const drawCharts = () => {
        const minutes = charts.fill_minutes(last.minutes, last.taken_at);
        const completed = sum(minutes, "completed");
        canvases.throughput.setAttribute("aria-label",
            t("chart_throughput", {completed: number(completed), failed: number(sum(minutes, "failed"))}));
        canvases.times.setAttribute("aria-label", t("chart_times", {run: length(sum(minutes, "run_ms") / Math.max(completed, 1)),
            wait: length(sum(minutes, "wait_ms") / Math.max(completed, 1))}));
        charts.throughput(canvases.throughput, minutes);
        charts.times(canvases.times, minutes);
    };
    const unfollow = follow((overview, state) => {
        if (!overview) {
            fill(parts.problems, h("p", {class: "empty"}, state === "away" ? t("unreachable") : t("loading")));
            return;
        }
        last = overview;
        fill(parts.asOf, t("as_of", {time: time(overview.taken_at)}));
        update("problems", [overview.problems, overview.error], () => fill(parts.problems, problemList(overview)));
        update("figures", [overview.queues, overview.workers, overview.minutes], () => fill(parts.figures, figures(overview)));
        update("charts", [overview.minutes, overview.taken_at.slice(0, 16)], drawCharts);
        update("queues", overview.queues, () => fill(parts.queues, table(t("queues"), queueColumns().slice(0, -1),
            overview.queues.map(queue => ({cells: queueRow(queue, context).slice(0, -1)})), t("no_queues"))));
        update("kinds", overview.kinds, () => fill(parts.kinds, kindTable(overview.kinds)));
        update("workers", overview.workers, () => fill(parts.workers, workerTable(overview.workers)));
    });
    const redraw = () => last && drawCharts();
    window.addEventListener("theme", redraw);
    return () => {
        unfollow();
        window.removeEventListener("theme", redraw);
        Object.values(canvases).forEach(canvas => window.Chart.getChart(canvas)?.destroy());
    };
}
