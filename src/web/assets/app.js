// The frame: who you are, where you are, and which keys do what.
import {get, post} from "./api.js";
import {dialog, button, fill, h, toast} from "./dom.js";
import {time} from "./format.js";
import * as live from "./live.js";
import {choose, language, languages, t} from "./texts.js";
import * as batches from "./batches.js";
import * as dead from "./dead.js";
import * as enqueue from "./enqueue.js";
import * as job from "./job.js";
import * as jobs from "./jobs.js";
import * as overview from "./overview.js";
import * as queues from "./queues.js";
import * as schedules from "./schedules.js";
import * as workers from "./workers.js";

const sections = [
    {name: "overview", hash: "#/", key: "o", view: overview},
    {name: "jobs", hash: "#/jobs", key: "j", view: jobs},
    {name: "dead", hash: "#/dead", key: "d", view: dead},
    {name: "queues", hash: "#/queues", key: "q", view: queues},
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
            toast(error.message || t("unreachable"), "bad");
        }
    },
};

function place() {
    const [path, query] = location.hash.replace(/^#/, "").split("?");
    return {parts: path.split("/").filter(Boolean), parameters: new URLSearchParams(query ?? "")};
}

function show() {
    leave();
    leave = () => {};
    const {parts, parameters} = place();
    const name = parts[0] ?? "overview";
    const section = sections.find(one => one.name === name);
    frame(name);
    const root = h("div", {class: "view"});
    fill(main, root);
    if (!section) {
        fill(root, h("p", {class: "empty"}, t("nothing_here")));
        return;
    }
    const view = name === "jobs" && parts.length === 2 ? job : section.view;
    document.title = `${parts[1] ? t("job", {id: parts[1]}) : t(name)} · jobrunner`;
    leave = view.show(root, {...context, id: parts[1], parameters}) ?? leave;
}

function frame(current) {
    const status = h("span", {class: "live", id: "live"});
    document.getElementById("skip").textContent = t("skip");
    fill(document.getElementById("top"),
        h("a", {class: "brand", href: "#/"}, h("img", {src: "icon.svg", alt: "", width: "26", height: "26"}), "jobrunner"),
        h("nav", {"aria-label": t("sections")}, sections.map(section => h("a", {
            href: section.hash, "aria-current": section.name === current ? "page" : null,
        }, t(section.name)))),
        h("div", {class: "tools"}, status,
            h("select", {"aria-label": t("language"), "data-focus": "language", onchange: event => {
                choose(event.target.value);
                show();
            }}, Object.keys(languages).map(name => h("option", {value: name, selected: name === language()},
                languages[name].language_name))),
            button("◐", toggleTheme, {class: "plain", "aria-label": t("theme"), title: t("theme"), "data-focus": "theme"}),
            button("?", help, {class: "plain", "aria-label": t("keys"), title: t("keys")}),
            me?.by_token ? button(t("sign_out"), signOut) : null));
    document.documentElement.lang = language();
    live.follow(showState);
}

function showState(overview, state) {
    const status = document.getElementById("live");
    if (status) {
        status.className = `live ${state}`;
        status.title = overview ? t("as_of", {time: time(overview.taken_at)}) : "";
        fill(status, t(state));
    }
}

function toggleTheme() {
    const dark = document.documentElement.dataset.theme
        ? document.documentElement.dataset.theme === "dark"
        : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", document.documentElement.dataset.theme);
    window.dispatchEvent(new Event("theme"));
}

async function signOut() {
    await post("/logout").catch(() => {});
    signIn();
}

function signIn() {
    live.stop();
    leave();
    leave = () => {};
    const token = h("input", {type: "password", id: "token", autocomplete: "off", required: true});
    const problem = h("p", {class: "problem", role: "alert"});
    fill(document.getElementById("top"), h("span", {class: "brand"},
        h("img", {src: "icon.svg", alt: "", width: "26", height: "26"}), "jobrunner"));
    fill(main, h("form", {class: "card narrow", onsubmit: async event => {
        event.preventDefault();
        try {
            await post("/login", {token: token.value});
            await begin();
        } catch (error) {
            fill(problem, error.message || t("unreachable"));
        }
    }}, h("h1", {}, t("sign_in")), h("label", {for: "token"}, t("token")), token,
    h("p", {class: "hint"}, t("token_hint")), problem, h("button", {type: "submit", class: "primary"}, t("sign_in"))));
    token.focus();
}

function help() {
    const rows = [["/", "key_search"], ["j k", "key_move"], ["Enter", "key_open"],
        [`g ${sections.map(one => one.key).join(" ")}`, "key_go"], ["?", "key_help"]];
    dialog(t("keys"), close => [h("dl", {class: "keys"}, rows.map(([key, text]) => [
        h("dt", {}, key.split(" ").map(one => h("kbd", {}, one))), h("dd", {}, t(text))])),
    h("div", {class: "buttons"}, button(t("close"), () => close(null)))]);
}

function move(step) {
    const rows = [...main.querySelectorAll("tbody tr a.row")];
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
}

let going = false;
addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") ||
        event.target.matches("input, textarea, select")) {
        return;
    }
    const section = going ? sections.find(one => one.key === event.key) : null;
    going = event.key === "g" && !going;
    if (section) {
        location.hash = section.hash;
    } else if (event.key === "/") {
        main.querySelector("[data-search]")?.focus();
    } else if (event.key === "?") {
        help();
    } else if (event.key === "j" || event.key === "k") {
        move(event.key === "j" ? 1 : -1);
    } else {
        return;
    }
    event.preventDefault();
});
addEventListener("hashchange", () => me?.scope && show());
addEventListener("signed-out", () => me?.scope && (me = null, signIn()));

async function begin() {
    try {
        me = await get("/whoami");
    } catch (error) {
        fill(main, h("p", {class: "empty"}, error.message || t("unreachable")));
        setTimeout(begin, 3000);
        return;
    }
    if (me.scope === null) {
        signIn();
        return;
    }
    live.start();
    show();
}

const theme = localStorage.getItem("theme");
if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
}
begin();
