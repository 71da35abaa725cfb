// The charts of the overview, drawn by Chart.js in the page's own colours.
import {clock, length, number} from "./format.js";
import {t} from "./texts.js";

const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Every minute of the last hour, also those in which nothing was settled.
export function fill_minutes(minutes, until) {
    const by_begin = new Map(minutes.map(minute => [Date.parse(minute.begin), minute]));
    const last = Math.floor(Date.parse(until) / 60000) * 60000;
    return Array.from({length: 60}, (_, nth) => {
        const at = last - (59 - nth) * 60000;
        return by_begin.get(at) ?? {begin: new Date(at).toISOString(), completed: 0, failed: 0, run_ms: 0, wait_ms: 0};
    });
}

function options(canvas, format, sideways = false) {
    const font = {family: getComputedStyle(document.body).fontFamily, size: 11};
    const figures = {grid: {color: colour("line"), drawTicks: false}, border: {display: false, dash: [3, 3]}, beginAtZero: true,
        ticks: {color: colour("faint"), font, padding: 6, maxTicksLimit: 5, maxRotation: 0, callback: value => format(value)}};
    const labels = {grid: {display: false}, border: {color: colour("line")},
        ticks: {color: sideways ? colour("ink") : colour("faint"), font, maxRotation: 0, autoSkip: !sideways, maxTicksLimit: sideways ? 12 : canvas.parentElement.clientWidth < 480 ? 4 : 7}};
    return {
        animation: still ? false : {duration: 250}, maintainAspectRatio: false, indexAxis: sideways ? "y" : "x",
        interaction: {mode: "index", axis: sideways ? "y" : "x", intersect: false},
        plugins: {
            legend: {align: "start", labels: {color: colour("ink"), font, boxWidth: 8, boxHeight: 8, usePointStyle: true, pointStyle: "rectRounded", padding: 12}},
            tooltip: {titleFont: {...font, weight: 600}, bodyFont: font, padding: 8, cornerRadius: 6, boxWidth: 8, boxHeight: 8, boxPadding: 4, usePointStyle: true,
                callbacks: {label: item => ` ${item.dataset.label}: ${format(sideways ? item.parsed.x : item.parsed.y)}`}},
        },
        scales: sideways ? {x: figures, y: labels} : {x: labels, y: figures},
    };
}

function draw(canvas, type, labels, sets, settings) {
    const data = {labels, datasets: sets.map(set => {
        // A minute with none beside it would leave no line.
        const alone = set.data.map((value, at) => value !== null && (set.data[at - 1] ?? null) === null && (set.data[at + 1] ?? null) === null ? 2.5 : 0);
        return {label: set.label, data: set.data, borderColor: colour(set.colour), backgroundColor: colour(set.colour),
            borderWidth: type === "line" ? 2 : 0, pointRadius: type === "line" ? alone : 0, pointHoverRadius: 4, pointStyle: "circle",
            cubicInterpolationMode: "monotone", categoryPercentage: 0.9, barPercentage: 0.9, maxBarThickness: 22, borderRadius: 2};
    })};
    settings.scales.x.stacked = settings.scales.y.stacked = type === "bar";
    const old = window.Chart.getChart(canvas);
    if (old) {
        old.options = settings;
        old.data = data;
        old.update("none");
    } else {
        new window.Chart(canvas, {type, data, options: settings});
    }
}

function whole(value) {
    return Number.isInteger(value) ? number(value) : "";
}

export function throughput(canvas, minutes) {
    draw(canvas, "bar", minutes.map(minute => clock(minute.begin)), [
        {label: t("completed"), colour: "chart-good", data: minutes.map(minute => minute.completed)},
        {label: t("failed"), colour: "chart-bad", data: minutes.map(minute => minute.failed)}], options(canvas, whole));
}

export function times(canvas, minutes) {
    const mean = name => minutes.map(minute => minute.completed > 0 ? minute[name] / minute.completed : null);
    draw(canvas, "line", minutes.map(minute => clock(minute.begin)), [
        {label: t("mean_wait"), colour: "chart-warn", data: mean("wait_ms")},
        {label: t("mean_run"), colour: "chart-info", data: mean("run_ms")}], options(canvas, value => length(value)));
}

// What waits in each queue, the fullest first.
export function backlog(canvas, queues) {
    const names = queues.map(queue => queue.queue.length > 18 ? `${queue.queue.slice(0, 17)}…` : queue.queue);
    draw(canvas, "bar", names, [
        {label: t("state_available"), colour: "chart-info", data: queues.map(queue => queue.available)},
        {label: t("state_running"), colour: "chart-good", data: queues.map(queue => queue.running)},
        {label: t("later"), colour: "chart-warn", data: queues.map(queue => queue.scheduled + queue.retryable)},
        {label: t("state_blocked"), colour: "chart-calm", data: queues.map(queue => queue.blocked)}], options(canvas, whole, true));
}
