// Limits: what runs, has started and waits under each; set and remove.
import {get, post} from "./api.js";
import {button, dialog, field, fill, h, problem, table, toast} from "./dom.js";
import {length, number} from "./format.js";
import {every} from "./live.js";
import {t} from "./texts.js";

function use(used, most, name) {
    return most === null ? "" : h("div", {class: "meter"},
        h("progress", {max: Math.max(most, 1), value: Math.min(used, most), "aria-label": name}),
        h("span", {class: "hint"}, t("used_of", {used: number(used), most: number(most)})));
}

// Asks for the values of a limit; `limit` is the one that is changed, or null for another one.
function ask(limit) {
    const scope = h("select", {id: "scope", disabled: limit !== null}, ["kind", "queue", "key"].map(word =>
        h("option", {value: word, selected: limit?.scope === word}, t(word === "key" ? "concurrency_key" : word))));
    const name = h("input", {id: "name", required: true, value: limit?.name ?? "", readonly: limit !== null});
    const most = h("input", {id: "at-most", type: "number", min: "0", max: "1000000", value: limit?.at_most ?? ""});
    const starts = h("input", {id: "starts", type: "number", min: "1", max: "1000000", value: limit?.starts ?? ""});
    const period = h("input", {id: "period", type: "number", min: "0.001", max: "2678400", step: "any",
        value: limit?.period_ms ? limit.period_ms / 1000 : ""});
    const wrong = h("div");
    return dialog(t("set_limit"), close => h("form", {class: "form", onsubmit: async event => {
        event.preventDefault();
        const values = {scope: scope.value, name: name.value};
        if (most.value !== "") {
            values.at_most = Number(most.value);
        }
        if (starts.value !== "" || period.value !== "") {
            values.starts = Number(starts.value);
            values.period_ms = Math.round(Number(period.value) * 1000);
        }
        try {
            await post("/limits/set", values);
            toast(t("done"));
            close(true);
        } catch (error) {
            fill(wrong, problem(error.message));
        }
    }}, h("div", {class: "fields"}, field(t("limit_of"), scope), field(t("name"), name, t("limit_name_hint")), field(t("at_once"), most, t("at_once_hint")),
        field(t("starts"), starts), field(t("within_seconds"), period)), wrong,
    h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, t("save")), button(t("back"), () => close(null)))));
}

export function show(root, context) {
    const place = h("section", {class: "card"});
    let shown = "";
    const change = async limit => {
        if (await ask(limit)) {
            await load();
        }
    };
    const row = limit => {
        const {scope, name} = limit;
        const named = text => ({class: "small", "aria-label": `${text}: ${scope} ${name}`, "data-focus": `${text} ${scope} ${name}`});
        return {cells: [h("strong", {}, name), t(scope === "key" ? "concurrency_key" : scope),
            use(limit.running, limit.at_most, `${t("at_once")}: ${name}`), use(limit.started, limit.starts, `${t("starts")}: ${name}`),
            limit.period_ms === null ? "" : length(limit.period_ms), limit.waiting >= 10000 ? `≥ ${number(10000)}` : number(limit.waiting),
            h("div", {class: "buttons"}, context.guarded("operate", t("edit"), () => change(limit), named(t("edit"))),
                context.guarded("operate", t("remove"), () => context.act(() => post("/limits/remove", {scope, name}), load), named(t("remove"))))]};
    };
    async function load() {
        try {
            const {items} = await get("/limits");
            const now = JSON.stringify(items);
            if (now !== shown) {
                shown = now;
                fill(place, table(t("limits"), [{title: t("name"), class: "main code"}, {title: t("limit_of")}, {title: t("at_once"), class: "wide"},
                    {title: t("starts"), class: "wide"}, {title: t("within")}, {title: t("held_back"), number: true}, {title: "", class: "wide actions"}],
                items.map(row), t("no_limits")));
            }
        } catch (error) {
            shown = "";
            fill(place, problem(error.message));
        }
    }
    fill(root, h("div", {class: "head"}, h("h1", {}, t("limits")), context.guarded("operate", t("set_limit"), () => change(null))), place);
    fill(place, h("p", {class: "empty"}, t("loading")));
    return every(5, load);
}
