// Acting on one job or on many: a question before, the progress meanwhile, and a word after.
import {post} from "./api.js";
import {button, dialog, field, fill, h, problem, toast} from "./dom.js";
import {number} from "./format.js";
import {t} from "./texts.js";

export const verbs = [{name: "retry", scope: "operate"}, {name: "reschedule", scope: "operate"},
    {name: "cancel", scope: "operate"}, {name: "delete", scope: "admin"}];

const possible = {
    retry: state => state !== "running" && state !== "blocked",
    reschedule: state => ["available", "scheduled", "retryable"].includes(state),
    cancel: state => !["completed", "cancelled", "dead"].includes(state),
    delete: state => state !== "running",
    edit: state => ["available", "scheduled", "blocked", "retryable"].includes(state),
};

// Whether an action makes sense in a job's state. The server decides.
export function isPossible(verb, state) {
    return possible[verb](state);
}

// How far it is counted before somebody confirms: steps of 500.
const counted_steps = 20;

// When to run: in a while, or at a time on the reader's clock.
function whenFields() {
    const run_in = h("input", {id: "run-in", placeholder: "10m", autocomplete: "off"});
    const run_at = h("input", {id: "run-at", type: "datetime-local"});
    run_in.addEventListener("input", () => { run_at.value = ""; });
    run_at.addEventListener("input", () => { run_in.value = ""; });
    return {
        fields: h("div", {class: "fields"}, field(t("run_in"), run_in, t("run_in_hint")), field(t("run_at_time"), run_at, t("run_at_hint"))),
        read: () => {
            if (!run_in.value.trim() && !run_at.value) {
                throw new Error(t("when_missing"));
            }
            return run_in.value.trim() ? {run_in: run_in.value.trim()} : {run_at: new Date(run_at.value).toISOString()};
        },
    };
}

// Asks, acts, and shows in the dialog what is wrong; resolves to the answer, or null.
export function actOnOne(verb, job) {
    const when = verb === "reschedule" ? whenFields() : null;
    const wrong = h("div");
    return dialog(t("confirm_one", {action: t(verb), id: job.id}), close => {
        const go = h("button", {type: "submit", class: verb === "delete" ? "danger-fill" : "primary"}, t(verb));
        return h("form", {class: "form", onsubmit: async event => {
            event.preventDefault();
            go.disabled = true;
            try {
                const answer = await post(`/jobs/${job.id}/${verb}`, when ? when.read() : {});
                toast(t(answer.result === "requested" ? "requested" : "done"));
                close(answer);
            } catch (error) {
                go.disabled = false;
                fill(wrong, problem(error.message));
            }
        }}, h("p", {class: "code"}, job.kind), h("p", {}, t(`about_${verb}`)), when?.fields, wrong,
        h("div", {class: "buttons"}, go, button(t("back"), () => close(null))));
    });
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

async function run(body, sum, stopped, seen) {
    let below;
    do {
        const answer = await post("/jobs/actions", {...body, ...(below && {below})});
        sum.done += answer.done;
        sum.rest += answer.not_possible + answer.not_found;
        sum.problem ??= answer.problem;
        below = answer.next;
        seen(sum);
    } while (below && !stopped());
    return {...sum, stopped: Boolean(below)};
}

// The filter in words, so that nobody acts on more than was meant.
function selectionOf({ids, filter}) {
    if (ids) {
        return h("p", {class: "hint"}, t("selected", {count: number(ids.length)}));
    }
    const rows = Object.entries(filter).map(([name, value]) => [t(name === "state" ? "state" : name),
        Array.isArray(value) ? value.map(one => t(`state_${one}`)).join(", ") : value]);
    return rows.length === 0 ? h("p", {class: "hint"}, t("every_job"))
        : h("dl", {class: "facts small"}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {class: "code"}, value)]));
}

// `selection`: {ids: […]} or {filter: {…}}. Resolves when the dialog is closed; `then` is called if something may have been done.
export function actOnMany(verb, selection, then) {
    let over = false;
    let begun = false;
    const stopped = () => over;
    return dialog(t("many_title", {action: t(verb)}), close => {
        const place = h("div", {class: "form", "aria-live": "polite"});
        const when = verb === "reschedule" ? whenFields() : null;
        const sum = {done: 0, rest: 0, problem: null};
        let chosen = {};
        const leave = () => close(null);
        const end = (...words) => fill(place, words, h("div", {class: "buttons"}, button(t("close"), leave, {class: "primary"})));
        const fail = error => end(problem(error.message), begun ? h("p", {}, t("acted", {count: number(sum.done)})) : null);
        const body = () => ({action: verb, ...selection, ...chosen});
        const begin = async expected => {
            begun = true;
            const bar = h("progress", {max: Math.max(expected, 1), value: 0, "aria-label": t(verb)});
            const words = h("p", {class: "hint"}, t("acted", {count: number(0)}));
            fill(place, bar, words, h("div", {class: "buttons"}, button(t("stop"), () => { over = true; })));
            try {
                const result = await run(body(), sum, stopped, so_far => {
                    bar.max = Math.max(expected, so_far.done + so_far.rest, 1);
                    bar.value = so_far.done + so_far.rest;
                    words.textContent = t("acted", {count: number(so_far.done)});
                });
                const text = t(result.stopped ? "acted_stopped" : "acted_end", {action: t(verb), done: number(result.done), rest: number(result.rest)});
                if (result.problem || result.stopped) {
                    end(h("p", {}, text), result.problem ? h("p", {class: "hint"}, result.problem) : null);
                } else {
                    toast(text);
                    leave();
                }
            } catch (error) {
                fail(error);
            }
        };
        const ask = found => {
            const go = button(t("go_ahead", {action: t(verb), count: number(found.done)}), () => begin(found.done),
                {class: verb === "delete" ? "danger-fill" : "primary", disabled: found.done === 0});
            fill(place, selectionOf(selection),
                h("p", {}, h("strong", {}, t(found.more ? "would_act_many" : found.done === 1 ? "would_act_one" : "would_act", {count: number(found.done)}))),
                h("p", {class: "hint"}, t(`about_${verb}`)),
                found.not_possible > 0 ? h("p", {class: "hint"}, t("not_possible_for", {count: number(found.not_possible)})) : null,
                h("div", {class: "buttons"}, go, button(t("back"), leave)));
            (found.done > 0 ? go : place.querySelector("button:not(:disabled)")).focus();
        };
        const look = () => {
            fill(place, selectionOf(selection), h("p", {class: "empty"}, t("counting")), h("div", {class: "buttons"}, button(t("back"), leave)));
            count(body(), stopped).then(found => stopped() || ask(found), fail);
        };
        if (when) {
            const wrong = h("div");
            fill(place, selectionOf(selection), h("form", {class: "form", onsubmit: event => {
                event.preventDefault();
                try {
                    chosen = when.read();
                    look();
                } catch (error) {
                    fill(wrong, problem(error.message));
                }
            }}, when.fields, wrong, h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, t("count")), button(t("back"), leave))));
        } else {
            look();
        }
        return place;
    }).finally(() => {
        over = true;
        if (begun) {
            then();
        }
    });
}
