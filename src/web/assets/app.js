// The frame: who you are, where you are, and which keys do what.
import {get, post} from "./api.js";
import {dialog, button, fill, focusOn, h, toast} from "./dom.js";
import {ago, time} from "./format.js";
import * as live from "./live.js";
import {choose, keep, kept, language, languages, t} from "./texts.js";
import * as batches from "./batches.js";
import * as dead from "./dead.js";
import * as enqueue from "./enqueue.js";
import * as job from "./job.js";
import * as jobs from "./jobs.js";
import * as limits from "./limits.js";
import * as overview from "./overview.js";
import * as queues from "./queues.js";
import * as schedules from "./schedules.js";
import * as workers from "./workers.js";

const sections = [
    {name: "overview", hash: "#/", key: "o", view: overview},
    {name: "jobs", hash: "#/jobs", key: "j", view: jobs},
    {name: "dead", hash: "#/dead", key: "d", view: dead},
    {name: "queues", hash: "#/queues", key: "q", view: queues},
    {name: "limits", hash: "#/limits", key: "l", view: limits},
    {name: "schedules", hash: "#/schedules", key: "s", view: schedules},
    {name: "batches", hash: "#/batches", key: "b", view: batches},
    {name: "workers", hash: "#/workers", key: "w", view: workers},
    {name: "enqueue", hash: "#/enqueue", key: "n", view: enqueue},
];
const scopes = ["read", "operate", "admin"];
const main = document.getElementById("main");
let me = null;
let leave = () => {};

// What a view may know of the page.
const context = {
    may: scope => me?.scope !== null && scopes.indexOf(me?.scope) >= scopes.indexOf(scope),
    // A button that needs a scope says so where it is missing.
    guarded: (scope, text, onclick, attributes = {}) => context.may(scope)
        ? button(text, onclick, attributes)
        : button(text, null, {...attributes, disabled: true, title: t("needs_scope", {scope})}),
    // Runs an action, says what came of it, and then what follows.
    act: async (action, then = () => {}) => {
        try {
            const answer = await action();
            toast(answer?.result === "requested" ? t("requested") : t("done"));
            await then(answer);
        } catch (error) {
            toast(error.message, "bad");
        }
    },
};

function place() {
    const [path, query] = location.hash.replace(/^#/, "").split("?");
    return {parts: path.split("/").filter(Boolean), parameters: new URLSearchParams(query ?? "")};
}

let shown_path = null;

function show() {
    const {parts, parameters} = place();
    const name = parts[0] ?? "overview";
    const path = parts.join("/");
    const section = sections.find(one => one.name === name);
    const focused = main.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    leave();
    leave = () => {};
    markSection(name);
    const root = h("div", {class: `view view-${name}`});
    fill(main, root);
    document.title = `${parts[1] ? t("job", {id: parts[1]}) : t(section ? name : "nothing_here")} · jobrunner`;
    if (section) {
        const view = name === "jobs" && parts.length === 2 ? job : section.view;
        leave = view.show(root, {...context, id: parts[1], parameters}) ?? leave;
    } else {
        fill(root, h("h1", {}, t("nothing_here")), h("p", {}, h("a", {href: "#/"}, t("overview"))));
    }
    // Another page begins at its heading; the same one with another filter goes on where the reader was.
    if (shown_path !== null && shown_path !== path) {
        scrollTo(0, 0);
        const heading = main.querySelector("h1");
        heading?.setAttribute("tabindex", "-1");
        heading?.focus({preventScroll: true});
    } else if (focused) {
        focusOn(main, focused);
    }
    shown_path = path;
}

function brand() {
    return h("a", {class: "brand", href: "#/"}, h("img", {src: "icon.svg", alt: "", width: "24", height: "24"}), "jobrunner");
}

function drawFrame() {
    const skip = document.getElementById("skip");
    skip.textContent = t("skip");
    fill(document.getElementById("top"), brand(),
        h("nav", {"aria-label": t("sections")}, sections.map(section =>
            h("a", {href: section.hash, "data-section": section.name, title: `g ${section.key}`}, t(section.name)))),
        h("div", {class: "tools"},
            h("span", {class: "live", id: "live"}),
            me?.by_token ? h("span", {class: "who", title: t("scope_is", {scope: me.scope})}, me.actor.replace(/^web:/, "")) : null,
            h("select", {"aria-label": t("language"), "data-focus": "language", onchange: event => {
                choose(event.target.value);
                drawFrame();
                show();
            }}, Object.keys(languages).map(name => h("option", {value: name, selected: name === language()},
                languages[name].language_name))),
            button("◐", toggleTheme, {class: "plain", "aria-label": t("theme"), title: t("theme"), "data-focus": "theme"}),
            button("?", help, {class: "plain keys-button", "aria-label": t("keys"), title: t("keys"), "data-focus": "keys"}),
            me?.by_token ? button(t("sign_out"), signOut) : null));
    document.documentElement.lang = language();
    live.follow(showState);
}

function markSection(name) {
    for (const link of document.querySelectorAll("nav a")) {
        if (link.dataset.section === name) {
            link.setAttribute("aria-current", "page");
            link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft - 40;
        } else {
            link.removeAttribute("aria-current");
        }
    }
}

let news = null;

// How old the figures are, in words that change by the second and are not read aloud.
function showAge() {
    const status = document.getElementById("live");
    if (!status || !news) {
        return;
    }
    const {overview, state} = news;
    status.className = `live ${state}`;
    status.title = overview ? t("as_of", {time: time(overview.taken_at)}) : "";
    const seconds = overview ? Math.max(Math.round((Date.now() - Date.parse(overview.taken_at)) / 1000), 0) : null;
    const age = seconds === null || seconds < 5 && state === "live" ? "" : ` · ${ago(overview.taken_at)}`;
    if (status.textContent !== t(state) + age) {
        fill(status, t(state), h("span", {class: "age"}, age));
    }
}

function showState(overview, state) {
    news = {overview, state};
    showAge();
}
setInterval(showAge, 1000);

function toggleTheme() {
    const dark = document.documentElement.dataset.theme
        ? document.documentElement.dataset.theme === "dark"
        : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    keep("theme", document.documentElement.dataset.theme);
    window.dispatchEvent(new Event("theme"));
}

async function signOut() {
    try {
        await post("/logout");
        me = null;
        signIn();
    } catch (error) {
        toast(error.message, "bad");
    }
}

function signIn() {
    live.stop();
    leave();
    leave = () => {};
    const token = h("input", {type: "password", id: "token", autocomplete: "off", required: true});
    const problem = h("p", {class: "problem", role: "alert"});
    fill(document.getElementById("top"), brand());
    document.title = `${t("sign_in")} · jobrunner`;
    document.documentElement.lang = language();
    fill(main, h("form", {class: "card narrow", onsubmit: async event => {
        event.preventDefault();
        try {
            await post("/login", {token: token.value});
            await begin();
        } catch (error) {
            fill(problem, error.message);
        }
    }}, h("h1", {}, t("sign_in")), h("label", {for: "token"}, t("token")), token,
    h("p", {class: "hint"}, t("token_hint")), problem, h("button", {type: "submit", class: "primary"}, t("sign_in"))));
    token.focus();
}

function help() {
    const rows = [["/", "key_search"], ["j k", "key_move"], ["Enter", "key_open"], ["x", "key_choose"],
        [`g ${sections.map(one => one.key).join(" ")}`, "key_go"], ["?", "key_help"]];
    dialog(t("keys"), close => [h("dl", {class: "keys"}, rows.map(([key, text]) => [
        h("dt", {}, key.split(" ").map(one => h("kbd", {}, one))), h("dd", {}, t(text))])),
    h("div", {class: "buttons"}, button(t("close"), () => close(null)))]);
}

function move(step) {
    const rows = [...main.querySelectorAll("tbody tr a.row")];
    const at = rows.findIndex(row => row.closest("tr").contains(document.activeElement));
    const row = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    row?.focus();
    row?.closest("tr").scrollIntoView({block: "nearest"});
}

const keys = {
    "/": () => main.querySelector("[data-search]")?.focus(),
    "?": help,
    j: () => move(1),
    k: () => move(-1),
    x: () => document.activeElement.closest("tr")?.querySelector("input[type=checkbox]")?.click(),
};
let going = 0;
addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || !me?.scope || document.querySelector("dialog[open]") ||
        event.target.matches("input:not([type=checkbox]), textarea, select")) {
        return;
    }
    const section = event.timeStamp < going ? sections.find(one => one.key === event.key) : null;
    going = event.key === "g" ? event.timeStamp + 1500 : 0;
    if (section) {
        location.hash = section.hash;
    } else if (Object.hasOwn(keys, event.key)) {
        keys[event.key]();
    } else {
        return;
    }
    event.preventDefault();
});
document.getElementById("skip").addEventListener("click", event => {
    event.preventDefault(); // The address says where one is, not how far down.
    main.focus();
});
addEventListener("hashchange", () => me?.scope && show());
addEventListener("signed-out", () => me?.scope && (me = null, signIn()));

async function begin() {
    try {
        me = await get("/whoami");
    } catch (error) {
        fill(main, h("p", {class: "problem", role: "alert"}, error.message));
        setTimeout(begin, 3000);
        return;
    }
    if (me.scope === null) {
        signIn();
        return;
    }
    drawFrame();
    live.start();
    shown_path = null;
    show();
}

const theme = kept("theme");
if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
}
begin();
