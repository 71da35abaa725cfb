// The list of jobs: filters in the address, pages by id, actions on those chosen or on all that match.
import {get} from "./api.js";
import {actOnMany, verbs} from "./actions.js";
import {badge, button, field, fill, h, menu, problem, table} from "./dom.js";
import {ago, number, state, time} from "./format.js";
import {every, follow, latest} from "./live.js";
import {t} from "./texts.js";

const states = ["available", "scheduled", "blocked", "running", "retryable", "completed", "cancelled", "dead"];
const fields = ["kind", "queue", "tag", "batch"];
const spans = ["10m", "1h", "24h", "168h"];
const page_size = 50;

function excerpt(value) {
    const text = value === null ? "…" : JSON.stringify(value);
    return text === "{}" ? "" : text.length > 160 ? `${text.slice(0, 159)}…` : text;
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

function hashOf(parameters) {
    const query = new URLSearchParams([...parameters].filter(([, value]) => value));
    return query.size > 0 ? `#/jobs?${query}` : "#/jobs";
}

function go(parameters) {
    location.hash = hashOf(parameters);
}

// Names that are in use, for the fields that ask for one.
export function namesList(id, names) {
    return h("datalist", {id}, [...new Set(names)].sort().slice(0, 200).map(name => h("option", {value: name})));
}

export function knownKinds() {
    return [...(latest()?.kinds ?? []).map(kind => kind.kind), ...(latest()?.workers ?? []).flatMap(worker => worker.kinds)];
}

export function knownQueues() {
    return (latest()?.queues ?? []).map(queue => queue.queue);
}

// How many jobs of a state there are, where the overview knows it: for all, or for one queue.
function stateCounts(parameters) {
    if (!latest() || ["kind", "tag", "batch", "since"].some(name => parameters.get(name))) {
        return {};
    }
    const queue = parameters.get("queue");
    const rows = latest().queues.filter(one => !queue || one.queue === queue);
    return Object.fromEntries(["available", "scheduled", "blocked", "running", "retryable", "dead"].map(name =>
        [name, rows.reduce((sum, row) => sum + row[name], 0)]));
}

function filterForm(parameters) {
    const chosen = new Set((parameters.get("state") ?? "").split(",").filter(Boolean));
    const inputs = Object.fromEntries(fields.map((name, nth) => [name, h("input", {
        id: `filter-${name}`, value: parameters.get(name) ?? "", size: name === "batch" ? 6 : 14, autocomplete: "off", spellcheck: "false",
        "data-search": nth === 0, "data-focus": `filter ${name}`, inputmode: name === "batch" ? "numeric" : null,
        list: name === "kind" || name === "queue" ? `names-${name}` : null,
    })]));
    const since = parameters.get("since") ?? "";
    const age = h("select", {id: "filter-since", "data-focus": "filter since"}, [...new Set(["", ...spans, since])].map(span =>
        h("option", {value: span, selected: since === span}, span ? spans.includes(span) ? t(`since_${span}`) : span : t("since_any"))));
    const boxes = states.map(name => h("input", {type: "checkbox", value: name, checked: chosen.has(name), "data-focus": `state ${name}`}));
    const counts = states.map(() => h("span", {class: "tally"}));
    const apply = () => {
        const wanted = new URLSearchParams();
        wanted.set("state", boxes.filter(box => box.checked).map(box => box.value).join(","));
        fields.forEach(name => wanted.set(name, inputs[name].value.trim()));
        wanted.set("since", age.value);
        go(wanted);
    };
    [...boxes, age].forEach(box => box.addEventListener("change", apply));
    const form = h("form", {class: "card filters", role: "search", onsubmit: event => {
        event.preventDefault();
        apply();
    }},
    h("fieldset", {class: "chips"}, h("legend", {class: "unseen"}, t("state")),
        boxes.map((box, nth) => h("label", {class: `chip state-${states[nth]}`}, box, h("span", {}, state(states[nth])), counts[nth]))),
    fields.map(name => field(t(name), inputs[name])), field(t("since"), age),
    namesList("names-kind", knownKinds()), namesList("names-queue", knownQueues()),
    h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, t("filter")),
        Object.keys(filterOf(parameters)).length > 0 ? button(t("clear"), () => go(new URLSearchParams())) : null));
    const unfollow = follow(() => {
        const known = stateCounts(parameters);
        counts.forEach((place, nth) => { place.textContent = known[states[nth]] ? number(known[states[nth]]) : ""; });
    });
    return {form, unfollow};
}

function goToId() {
    const input = h("input", {id: "go-id", inputmode: "numeric", pattern: "[0-9]+", size: 10, placeholder: t("go_to_id"), "aria-label": t("go_to_id"), required: true});
    return h("form", {class: "bar", onsubmit: event => {
        event.preventDefault();
        location.hash = `#/jobs/${input.value.trim()}`;
    }}, input, h("button", {type: "submit"}, t("open")));
}

export function when(job) {
    const instant = job.finished_at ?? (job.state === "running" ? job.claimed_at : job.run_at);
    return h("time", {datetime: instant, title: time(instant)}, ago(instant));
}

function columnsOf(all) {
    return [{title: "", head: h("label", {}, all, h("span", {class: "narrow-only"}, t("select_all"))), class: "choose"}, {title: t("id"), class: "code"}, {title: t("state")},
        {title: t("kind"), class: "code"}, {title: t("queue"), class: "code"}, {title: t("args"), class: "excerpt"},
        {title: t("attempt"), number: true}, {title: t("when"), class: "when"}];
}

// Earlier pages' `below` stand in the address, too, so that one may go back from a link.
function pageLinks(parameters, next) {
    const to = (below, back) => {
        const wanted = new URLSearchParams(parameters);
        wanted.set("below", below ?? "");
        wanted.set("back", back.join(","));
        return hashOf(wanted);
    };
    const below = parameters.get("below");
    const back = (parameters.get("back") ?? "").split(",").filter(Boolean);
    const link = (text, hash) => h("a", {class: "button", href: hash, "data-focus": `page ${text}`}, text);
    return h("nav", {class: "buttons pages", "aria-label": t("pages")},
        below && back.length > 0 ? link(t("newest_page"), to("", [])) : null,
        below ? link(`← ${t("newer")}`, to(back.at(-1), back.slice(0, -1))) : null,
        next ? link(`${t("older")} →`, to(next, below ? [...back, below].slice(-30) : [])) : null);
}

export function show(root, context) {
    const {parameters} = context;
    const chosen = new Set();
    const list = h("section", {class: "card list", "aria-label": t("jobs")});
    const bar = h("div", {class: "bar acts"});
    const fresh = h("div", {"aria-live": "polite"});
    const filtered = Object.keys(filterOf(parameters)).length > 0;
    let items = [];
    let over = false;

    const drawBar = () => {
        bar.classList.toggle("chosen", chosen.size > 0);
        fill(bar, chosen.size > 0 ? [
            h("strong", {}, t("selected", {count: number(chosen.size)})),
            verbs.map(({name, scope}) => context.guarded(scope, t(name), () => actOnMany(name, {ids: [...chosen]}, load),
                {"data-focus": `chosen ${name}`, class: name === "delete" ? "danger" : null})),
            button(t("choose_none"), () => {
                chosen.clear();
                draw();
            }, {class: "plain"})] : [
            h("span", {class: "faint"}, t("choose_hint")),
            menu(t(filtered ? "all_matching" : "all_jobs"), verbs.map(({name, scope}) => context.guarded(scope, t(name),
                () => actOnMany(name, {filter: filterOf(parameters)}, load), {class: name === "delete" ? "danger" : null})))]);
    };
    const boxFor = job => h("input", {type: "checkbox", checked: chosen.has(job.id), "aria-label": t("select_one", {id: job.id}), "data-focus": `box ${job.id}`,
        onchange: event => {
            event.target.checked ? chosen.add(job.id) : chosen.delete(job.id);
            event.target.closest("tr").classList.toggle("chosen", event.target.checked);
            drawBar();
        }});
    let next = null;
    function draw() {
        const all = h("input", {type: "checkbox", "aria-label": t("select_all"), "data-focus": "box all", onchange: event => {
            items.forEach(job => event.target.checked ? chosen.add(job.id) : chosen.delete(job.id));
            draw();
        }, checked: items.length > 0 && items.every(job => chosen.has(job.id))});
        const row = job => ({
            attributes: {class: chosen.has(job.id) ? "opens chosen" : "opens", onclick: event => {
                if (!event.target.closest("a, button, input, td.choose") && getSelection().isCollapsed) {
                    location.hash = `#/jobs/${job.id}`;
                }
            }},
            cells: [boxFor(job), h("a", {class: "row", href: `#/jobs/${job.id}`, "data-focus": `job ${job.id}`}, job.id), badge(job.state, state(job.state)),
                job.kind, job.queue, job.error ? h("span", {class: "bad"}, job.error.slice(0, 160)) : excerpt(job.args),
                job.max_attempts ? `${job.attempt} / ${job.max_attempts}` : job.attempt || "", when(job)],
        });
        const empty = h("span", {}, t(filtered ? "no_jobs" : "no_jobs_yet"), " ",
            filtered ? h("a", {href: "#/jobs"}, t("clear")) : h("a", {href: "#/enqueue"}, t("enqueue")));
        fill(list, table(t("jobs"), columnsOf(all), items.map(row), empty, "jobs"), pageLinks(parameters, next));
        drawBar();
    }

    const ask = () => get("/jobs", {...Object.fromEntries([...parameters].filter(([name]) => name !== "back")), limit: page_size});
    async function load() {
        try {
            const answer = await ask();
            if (over) {
                return;
            }
            items = answer.items;
            next = answer.next;
            chosen.clear();
            fill(fresh);
            draw();
        } catch (error) {
            if (!over) {
                fill(list, problem(error.message), h("div", {class: "buttons"}, button(t("again"), load)));
            }
        }
    }
    // What is shown stays where it is and is brought up to date; for what is new there is a button.
    async function refresh() {
        if (items.length === 0 && list.querySelector(".problem") || bar.querySelector("details[open]") || document.querySelector("dialog[open]")) {
            return;
        }
        try {
            const answer = await ask();
            if (over || bar.querySelector("details[open]")) {
                return;
            }
            const now = new Map(answer.items.map(job => [job.id, job]));
            const shown = new Set(items.map(job => job.id));
            const added = answer.items.filter(job => !shown.has(job.id) && (items.length === 0 || BigInt(job.id) > BigInt(items[0].id))).length;
            if (items.length === 0 && added > 0) {
                await load();
                return;
            }
            items = items.map(job => now.get(job.id) ?? job);
            draw();
            if (added > 0 && !fresh.firstChild) {
                fill(fresh, button(t("new_jobs"), load, {class: "wide-button", "data-focus": "fresh"}));
            }
        } catch {
            // The line at the top says that there is no connection; the list stays as it is.
        }
    }
    fill(list, h("p", {class: "empty"}, t("loading")));
    const {form, unfollow} = filterForm(parameters);
    fill(root, h("div", {class: "head"}, h("h1", {}, t("jobs")), goToId()), form, bar, fresh, list);
    let first = true;
    const end = every(4, () => first ? (first = false, load()) : refresh());
    return () => {
        over = true;
        end();
        unfollow();
    };
}
