// Batches: how far they are, and when they may end.
import {get} from "./api.js";
import {badge, count, fill, h, problem, table} from "./dom.js";
import {ago, number, percent, state, time} from "./format.js";
import {every} from "./live.js";
import {t} from "./texts.js";

function instant(value) {
    return value ? h("time", {datetime: value, title: time(value)}, ago(value)) : "";
}

function row(batch) {
    const finished = batch.completed + batch.cancelled + batch.dead;
    const total = finished + batch.unfinished;
    const to = states => `#/jobs?batch=${batch.id}${states ? `&state=${states}` : ""}`;
    return {cells: [h("a", {class: "row", href: to(), "data-focus": `batch ${batch.id}`}, batch.id), batch.name, badge(batch.state, state(batch.state)),
        h("div", {class: "meter"}, h("progress", {max: Math.max(total, 1), value: finished, "aria-label": `${t("progress")} ${batch.id}`}),
            h("span", {class: "hint"}, `${number(finished)} / ${number(total)}${total > 0 ? ` · ${percent(finished / total)}` : ""}`)),
        count(batch.running, to("running")), count(batch.completed, to("completed")), count(batch.cancelled, to("cancelled")), count(batch.dead, to("dead"), "bad"),
        instant(batch.created_at), instant(batch.finished_at ?? batch.eta), batch.problem ? h("span", {class: "bad"}, batch.problem) : ""]};
}

export function show(root) {
    const place = h("section", {class: "card"});
    const load = async () => {
        try {
            const {items} = await get("/batches");
            fill(place, table(t("batches"), [{title: t("id"), class: "main code"}, {title: t("name")}, {title: t("state")}, {title: t("progress"), class: "wide"},
                {title: t("state_running"), number: true}, {title: t("completed"), number: true}, {title: t("state_cancelled"), number: true},
                {title: t("state_dead"), number: true}, {title: t("created")}, {title: t("eta")}, {title: t("state_problem"), class: "wide"}],
            items.map(row), t("no_batches")));
        } catch (error) {
            fill(place, problem(error.message));
        }
    };
    fill(root, h("h1", {}, t("batches")), place);
    fill(place, h("p", {class: "empty"}, t("loading")));
    return every(5, load);
}
