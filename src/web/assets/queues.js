// Queues: counts by state, pause and resume, slots and weight.
import {post} from "./api.js";
import {badge, button, dialog, fill, h, table} from "./dom.js";
import {length, number} from "./format.js";
import {follow} from "./live.js";
import {t} from "./texts.js";

const states = ["available", "running", "scheduled", "retryable", "blocked", "dead"];

export function queueColumns() {
    return [{title: t("queue"), class: "code"}, ...states.map(state => ({title: t(`state_${state}`), number: true})),
        {title: t("oldest_age"), number: true}, {title: `${t("completed")} ${t("per_minute")}`, number: true}, {title: ""}];
}

export function queueRow(queue, context) {
    const name = encodeURIComponent(queue.queue);
    const count = state => queue[state] > 0
        ? h("a", {href: `#/jobs?queue=${name}&state=${state}`, class: state === "dead" ? "bad" : null}, number(queue[state]))
        : h("span", {class: "faint"}, "0");
    const change = verb => context.act(() => post(`/queues/${verb}`, {queue: queue.queue}));
    return [
        [h("a", {class: "row", href: `#/jobs?queue=${name}`, "data-focus": `queue ${queue.queue}`}, queue.queue), " ",
            queue.paused ? badge("paused", t("state_paused")) : null],
        ...states.map(count), length(queue.oldest_age_ms), number(queue.completed_per_minute),
        h("div", {class: "buttons"},
            queue.paused
                ? context.guarded("operate", t("resume"), () => change("resume"), {"data-focus": `resume ${queue.queue}`})
                : context.guarded("operate", t("pause"), () => change("pause"), {"data-focus": `pause ${queue.queue}`}),
            context.guarded("operate", t("set"), () => set(queue, context), {"data-focus": `set ${queue.queue}`})),
    ];
}

async function set(queue, context) {
    const slots = h("input", {id: "slots", type: "number", min: "0", max: "10000"});
    const weight = h("input", {id: "weight", type: "number", min: "1", max: "1000"});
    const values = await dialog(`${t("queue")} ${queue.queue}`, close => h("form", {class: "form", onsubmit: event => {
        event.preventDefault();
        close({slots: slots.value, weight: weight.value});
    }}, h("div", {class: "field"}, h("label", {for: "slots"}, t("slots")), slots),
    h("div", {class: "field"}, h("label", {for: "weight"}, t("weight")), weight),
    h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, t("set")), button(t("close"), () => close(null)))));
    if (values) {
        const body = {queue: queue.queue};
        for (const name of ["slots", "weight"]) {
            if (values[name] !== "") {
                body[name] = Number(values[name]);
            }
        }
        await context.act(() => post("/queues/set", body));
    }
}

export function show(root, context) {
    const place = h("section", {class: "card"});
    fill(root, h("h1", {}, t("queues")), place);
    return follow(overview => fill(place, overview
        ? table(t("queues"), queueColumns(), overview.queues.map(queue => ({cells: queueRow(queue, context)})), t("no_queues"))
        : h("p", {class: "empty"}, t("loading"))));
}
