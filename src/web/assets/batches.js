// Batches: how far they are, and when they may end.
import {get} from "./api.js";
import {badge, fill, h, table} from "./dom.js";
import {ago, number, state, time} from "./format.js";
import {t} from "./texts.js";

function row(batch) {
    const finished = batch.completed + batch.cancelled + batch.dead;
    const total = finished + batch.unfinished;
    return {cells: [h("a", {class: "row", href: `#/jobs?batch=${batch.id}`}, batch.id), batch.name, badge(batch.state, state(batch.state)),
        h("div", {}, h("progress", {max: Math.max(total, 1), value: finished, "aria-label": `${t("progress")} ${batch.id}`}),
            h("span", {class: "hint"}, `${number(finished)}/${number(total)}`)),
        batch.dead > 0 ? h("a", {class: "bad", href: `#/jobs?batch=${batch.id}&state=dead`}, number(batch.dead)) : "0",
        h("time", {datetime: batch.created_at, title: time(batch.created_at)}, ago(batch.created_at)),
        batch.eta ? ago(batch.eta) : batch.finished_at ? ago(batch.finished_at) : "", batch.problem ?? ""]};
}

export function show(root) {
    const place = h("section", {class: "card"});
    let timer = null;
    const load = async () => {
        try {
            const {items} = await get("/batches");
            fill(place, table(t("batches"), [{title: t("id"), class: "code"}, {title: t("name")}, {title: t("state")}, {title: t("progress")},
                {title: t("dead_now"), number: true}, {title: t("created")}, {title: t("eta")}, {title: t("state_problem")}],
            items.map(row), t("no_batches")));
        } catch (error) {
            fill(place, h("p", {class: "problem", role: "alert"}, error.message || t("unreachable")));
        }
        timer = setTimeout(load, 5000);
    };
    fill(root, h("h1", {}, t("batches")), place);
    load();
    return () => clearTimeout(timer);
}
