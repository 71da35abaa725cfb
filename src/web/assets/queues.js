// Queues: counts by state, pause and resume, slots and weight.
import {post} from "./api.js";
import {badge, button, count, dialog, field, fill, h, problem, table, toast} from "./dom.js";
import {length, number} from "./format.js";
import {follow} from "./live.js";
import {t} from "./texts.js";

const states = ["available", "running", "scheduled", "retryable", "blocked", "dead"];

export function queueColumns() {
    return [{title: t("queue"), class: "main code"}, ...states.map(state => ({title: t(`state_${state}`), number: true})),
        {title: t("oldest_age"), number: true}, {title: t("completed_minute"), number: true}, {title: t("failed_minute"), number: true},
        {title: "", class: "wide actions"}];
}

export function queueRow(queue, context, all = true) {
    const name = encodeURIComponent(queue.queue);
    const change = verb => context.act(() => post(`/queues/${verb}`, {queue: queue.queue}));
    const verb = queue.paused ? "resume" : "pause";
    return [
        [h("a", {class: "row", href: `#/jobs?queue=${name}`, "data-focus": `queue ${queue.queue}`}, queue.queue), " ",
            queue.paused ? badge("paused", t("state_paused")) : null],
        ...states.map(state => count(queue[state], `#/jobs?queue=${name}&state=${state}`, state === "dead" ? "bad" : null)),
        length(queue.oldest_age_ms), count(queue.completed_per_minute), count(queue.failed_per_minute, null, "bad"),
        h("div", {class: "buttons"},
            context.guarded("operate", t(verb), () => change(verb), {class: "small", "data-focus": `change ${queue.queue}`,
                "aria-label": `${t(verb)}: ${queue.queue}`}),
            all ? context.guarded("operate", t("set"), () => set(queue), {class: "small", "data-focus": `set ${queue.queue}`,
                "aria-label": `${t("set")}: ${queue.queue}`}) : null),
    ];
}

function set(queue) {
    const slots = h("input", {id: "slots", type: "number", min: "0", max: "10000", placeholder: t("unchanged")});
    const weight = h("input", {id: "weight", type: "number", min: "1", max: "1000", placeholder: t("unchanged")});
    const wrong = h("div");
    return dialog(t("set_queue", {queue: queue.queue}), close => h("form", {class: "form", onsubmit: async event => {
        event.preventDefault();
        const values = Object.fromEntries([["slots", slots], ["weight", weight]].filter(([, input]) => input.value !== "")
            .map(([name, input]) => [name, Number(input.value)]));
        if (Object.keys(values).length === 0) {
            fill(wrong, problem(t("nothing_changed")));
            return;
        }
        try {
            await post("/queues/set", {queue: queue.queue, ...values});
            toast(t("done"));
            close(true);
        } catch (error) {
            fill(wrong, problem(error.message));
        }
    }}, h("div", {class: "fields"}, field(t("slots"), slots, t("slots_hint")), field(t("weight"), weight, t("weight_hint"))), wrong,
    h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, t("set")), button(t("back"), () => close(null)))));
}

export function show(root, context) {
    const place = h("section", {class: "card"});
    const words = h("p", {class: "hint"});
    fill(root, h("div", {class: "head"}, h("h1", {}, t("queues")), words), place);
    let shown = "";
    return follow((overview, state) => {
        if (!overview) {
            fill(place, h("p", {class: "empty"}, t(state === "away" ? "waiting_for_figures" : "loading")));
            return;
        }
        const now = JSON.stringify(overview.queues);
        if (now !== shown) {
            shown = now;
            words.textContent = t("queues_paused", {count: number(overview.queues.length),
                paused: number(overview.queues.filter(queue => queue.paused).length)});
            fill(place, table(t("queues"), queueColumns(), overview.queues.map(queue => ({cells: queueRow(queue, context)})), t("no_queues")));
        }
    });
}
