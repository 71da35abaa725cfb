// Acting on one job or on many: a question before, the progress meanwhile, and a word after.
import {post} from "./api.js";
import {button, dialog, fill, h, toast} from "./dom.js";
import {number} from "./format.js";
import {t} from "./texts.js";

export const verbs = [{name: "retry", scope: "operate"}, {name: "reschedule", scope: "operate"},
    {name: "cancel", scope: "operate"}, {name: "delete", scope: "admin"}];

// How far it is counted before somebody confirms: steps of 500.
const counted_steps = 20;

function runInField() {
    const input = h("input", {id: "run-in", required: true, placeholder: "10m"});
    return {input, field: h("div", {class: "field"}, h("label", {for: "run-in"}, t("run_in")), input,
        h("p", {class: "hint"}, t("run_in_hint")))};
}

// Asks, and resolves to what the action needs besides its name, or null.
export function confirmOne(verb, id) {
    const {input, field} = runInField();
    return dialog(t("confirm_one", {action: t(verb), id}), close => h("form", {class: "form", onsubmit: event => {
        event.preventDefault();
        close(verb === "reschedule" ? {run_in: input.value} : {});
    }}, verb === "reschedule" ? field : null,
    h("div", {class: "buttons"},
        h("button", {type: "submit", class: verb === "delete" ? "danger" : "primary"}, t(verb)),
        button(t("back"), () => close(null)))));
}

async function count(body, stopped) {
    const sum = {done: 0, not_possible: 0, more: false};
    let below;
    for (let step = 0; step < counted_steps && !stopped(); ++step) {
        const answer = await post("/jobs/actions", {...body, ...(below && {below}), dry_run: true});
        sum.done += answer.done;
        sum.not_possible += answer.not_possible;
        below = answer.next;
        if (!below) {
            return sum;
        }
    }
    return {...sum, more: true};
}

async function run(body, expected, stopped, seen) {
    const sum = {done: 0, rest: 0};
    let below;
    do {
        const answer = await post("/jobs/actions", {...body, ...(below && {below})});
        sum.done += answer.done;
        sum.rest += answer.not_possible + answer.not_found;
        below = answer.next;
        seen(sum);
    } while (below && !stopped());
    return sum;
}

// `selection`: {ids: […]} or {filter: {…}}. Resolves when the dialog is closed; `then` is called if something was done.
export function actOnMany(verb, selection, then) {
    let over = false;
    const stopped = () => over;
    return dialog(t(verb), close => {
        const place = h("div", {class: "form", "aria-live": "polite"});
        const {input, field} = runInField();
        const leave = () => close(null);
        const fail = error => {
            fill(place, h("p", {class: "problem", role: "alert"}, error.message || t("unreachable")),
                h("div", {class: "buttons"}, button(t("close"), leave)));
        };
        const body = () => ({action: verb, ...selection, ...(verb === "reschedule" && {run_in: input.value})});
        const begin = async expected => {
            const bar = h("progress", {max: Math.max(expected, 1), value: 0, "aria-label": t(verb)});
            const words = h("p", {class: "hint"});
            fill(place, bar, words, h("div", {class: "buttons"}, button(t("stop"), () => { over = true; })));
            try {
                const sum = await run(body(), expected, stopped, so_far => {
                    bar.value = so_far.done + so_far.rest;
                    fill(words, t("acted", {count: number(so_far.done)}));
                });
                toast(t("acted_end", {action: t(verb), done: number(sum.done), rest: number(sum.rest)}));
                close(null);
                then();
            } catch (error) {
                fail(error);
            }
        };
        const ask = sum => fill(place,
            h("p", {}, t(sum.more ? "would_act_many" : "would_act", {count: number(sum.done)})),
            sum.not_possible > 0 ? h("p", {class: "hint"}, t("not_possible_for", {count: number(sum.not_possible)})) : null,
            h("div", {class: "buttons"},
                button(t("go_ahead", {action: t(verb), count: number(sum.done)}), () => begin(sum.done),
                    {class: verb === "delete" ? "danger" : "primary", disabled: sum.done === 0}),
                button(t("back"), leave)));
        const look = () => {
            fill(place, h("p", {class: "empty"}, t("counting")));
            count(body(), stopped).then(ask, fail);
        };
        if (verb === "reschedule") {
            fill(place, h("form", {class: "form", onsubmit: event => {
                event.preventDefault();
                look();
            }}, field, h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, t("go_ahead",
                {action: t(verb), count: "…"})), button(t("back"), leave))));
        } else {
            look();
        }
        return place;
    }).finally(() => { over = true; });
}
