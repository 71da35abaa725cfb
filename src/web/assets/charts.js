// The two charts of the overview, drawn by Chart.js in the page's own colours.
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

function options(format) {
    const axis = {ticks: {color: colour("faint"), maxTicksLimit: 6, maxRotation: 0}, grid: {color: colour("line")}};
    return {
        animation: still ? false : {duration: 250}, maintainAspectRatio: false, interaction: {mode: "index", intersect: false},
        plugins: {legend: {labels: {color: colour("ink"), boxWidth: 12, boxHeight: 12}},
            tooltip: {callbacks: {label: item => `${item.dataset.label}: ${format(item.parsed.y)}`}}},
        scales: {x: {...axis, grid: {display: false}},
            y: {...axis, beginAtZero: true, ticks: {...axis.ticks, callback: value => format(value)}}},
    };
}

function draw(canvas, type, minutes, format, lines) {
    const data = {
        labels: minutes.map(minute => clock(minute.begin)),
        datasets: lines.map(line => ({
            label: line.label, data: minutes.map(line.value), borderColor: colour(line.colour), backgroundColor: colour(line.colour),
            borderWidth: type === "line" ? 2 : 0, pointRadius: 0, tension: 0.3, stack: "one", spanGaps: true,
        })),
    };
    const settings = options(format);
    settings.scales.x.stacked = settings.scales.y.stacked = type === "bar";
    const old = window.Chart.getChart(canvas);
    if (old) {
        Object.assign(old, {options: settings});
        old.data = data;
        old.update(still ? "none" : undefined);
    } else {
        new window.Chart(canvas, {type, data, options: settings});
    }
}

export function throughput(canvas, minutes) {
    draw(canvas, "bar", minutes, number, [
        {label: t("completed"), colour: "good", value: minute => minute.completed},
        {label: t("failed"), colour: "bad", value: minute => minute.failed}]);
}

export function times(canvas, minutes) {
    const mean = name => minute => minute.completed > 0 ? minute[name] / minute.completed : null;
    draw(canvas, "line", minutes, value => length(value), [
        {label: t("mean_run"), colour: "info", value: mean("run_ms")},
        {label: t("mean_wait"), colour: "warn", value: mean("wait_ms")}]);
}
