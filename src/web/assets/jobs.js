// The list of jobs: filters in the address, pages by id, actions on those chosen or on all that match.
import {get} from "./api.js";
import {actOnMany, verbs} from "./actions.js";
import {badge, button, fill, h, table} from "./dom.js";
import {ago, number, state, time} from "./format.js";
import {t} from "./texts.js";

const states = ["available", "scheduled", "blocked", "running", "retryable", "completed", "cancelled", "dead"];
const fields = ["kind", "queue", "tag", "batch"];
const spans = ["10m", "1h", "24h", "168h"];

function excerpt(value) {
    const text = value === null ? "…" : JSON.stringify(value);
    return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

// The filter as the API's actions take it.
function filterOf(parameters) {
    const filter = {};
    for (const name of [...fields, "since"]) {
        if (parameters.get(name)) {
            filter[name] = parameters.get(name);
        }
    }
    if (parameters.get("state")) {
        filter.state = parameters.get("state").split(",");
    }
    return filter;
}

function go(parameters) {
    const query = new URLSearchParams([...parameters].filter(([, value]) => value));
    location.hash = query.size > 0 ? `#/jobs?${query}` : "#/jobs";
}

function filterForm(parameters) {
    const chosen = new Set((parameters.get("state") ?? "").split(",").filter(Boolean));
    const inputs = Object.fromEntries(fields.map((name, nth) => [name, h("input", {
        id: `filter-${name}`, value: parameters.get(name) ?? "", size: name === "batch" ? 6 : 16,
        "data-search": nth === 0, inputmode: name === "batch" ? "numeric" : null,
    })]));
    const since = h("select", {id: "filter-since"}, ["", ...spans].map(span =>
        h("option", {value: span, selected: (parameters.get("since") ?? "") === span}, span || t("since_any"))));
    const boxes = states.map(name => h("input", {type: "checkbox", value: name, checked: chosen.has(name)}));
    const apply = () => {
        const wanted = new URLSearchParams();
        wanted.set("state", boxes.filter(box => box.checked).map(box => box.value).join(","));
        fields.forEach(name => wanted.set(name, inputs[name].value.trim()));
        wanted.set("since", since.value);
        go(wanted);
    };
    boxes.forEach(box => box.addEventListener("change", apply));
    since.addEventListener("change", apply);
    return h("form", {class: "card filters", role: "search", onsubmit: event => {
        event.preventDefault();
        apply();
    }},
    h("fieldset", {class: "chips", "aria-label": t("state")}, boxes.map((box, nth) => h("label", {}, box, state(states[nth])))),
    fields.map(name => h("div", {class: "field"}, h("label", {for: `filter-${name}`}, t(name)), inputs[name])),
    h("div", {class: "field"}, h("label", {for: "filter-since"}, t("since")), since),
    h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, t("filter")),
        button(t("clear"), () => go(new URLSearchParams()))));
}

export function when(job) {
    const instant = job.finished_at ?? (job.state === "running" ? job.claimed_at : job.run_at);
    return h("time", {datetime: instant, title: time(instant)}, ago(instant));
}

function columnsOf(all) {
    return [{title: "", head: all}, {title: t("id"), class: "code"}, {title: t("state")},
        {title: t("kind"), class: "code"}, {title: t("queue"), class: "code"}, {title: t("args"), class: "excerpt"},
        {title: t("attempt"), number: true}, {title: t("when")}];
}

export function show(root, context) {
    const {parameters} = context;
    const chosen = new Set();
    const list = h("section", {class: "card"});
    const bar = h("div", {class: "bar"});
    let items = [];
    let over = false;

    const reload = () => load();
    const drawBar = () => fill(bar,
        h("span", {class: "faint"}, t("selected", {count: number(chosen.size)})),
        verbs.map(({name, scope}) => context.guarded(scope, t(name),
            () => actOnMany(name, {ids: [...chosen]}, reload),
            chosen.size > 0 && context.may(scope) ? {"data-focus": `sel ${name}`} : {disabled: true})),
        h("span", {class: "faint"}, `${t("all_matching")}:`),
        verbs.map(({name, scope}) => context.guarded(scope, t(name), () => actOnMany(name, {filter: filterOf(parameters)}, reload),
            {"aria-label": `${t("all_matching")}: ${t(name)}`, class: name === "delete" ? "danger" : null})));

    const boxFor = job => h("input", {type: "checkbox", checked: chosen.has(job.id), "aria-label": t("select_one", {id: job.id}),
        onchange: event => {
            event.target.checked ? chosen.add(job.id) : chosen.delete(job.id);
            drawBar();
        }});

    const draw = next => {
        const all = h("input", {type: "checkbox", "aria-label": t("select_all"), onchange: event => {
            items.forEach(job => event.target.checked ? chosen.add(job.id) : chosen.delete(job.id));
            draw(next);
            drawBar();
        }, checked: items.length > 0 && items.every(job => chosen.has(job.id))});
        const older = new URLSearchParams(parameters);
        older.set("below", next ?? "");
        const newest = new URLSearchParams(parameters);
        newest.delete("below");
        fill(list, table(t("jobs"), columnsOf(all),
            items.map(job => ({cells: [boxFor(job),
                h("a", {class: "row", href: `#/jobs/${job.id}`}, job.id), badge(job.state, state(job.state)), job.kind, job.queue,
                excerpt(job.args), job.max_attempts ? `${job.attempt}/${job.max_attempts}` : job.attempt, when(job)]})), t("no_jobs")),
        h("div", {class: "buttons"},
            parameters.get("below") ? button(t("newer"), () => go(newest)) : null,
            next ? button(t("older"), () => go(older)) : null));
    };

    async function load() {
        try {
            const answer = await get("/jobs", {...Object.fromEntries(parameters), limit: 50});
            if (over) {
                return;
            }
            items = answer.items;
            chosen.clear();
            draw(answer.next);
            drawBar();
        } catch (error) {
            fill(list, h("p", {class: "problem", role: "alert"}, error.message || t("unreachable")));
        }
    }
    fill(list, h("p", {class: "empty"}, t("loading")));
    fill(root, h("h1", {}, t("jobs")), filterForm(parameters), bar, list);
    load();
    return () => { over = true; };
}
