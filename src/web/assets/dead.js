// Dead letters, by what killed them.
import {get} from "./api.js";
import {actOnMany} from "./actions.js";
import {fill, h, table} from "./dom.js";
import {ago, number, time} from "./format.js";
import {t} from "./texts.js";

export function show(root, context) {
    const place = h("section", {class: "card"});
    const load = async () => {
        try {
            const {items} = await get("/dead");
            const columns = [{title: t("jobs_count"), number: true}, {title: t("kind"), class: "code"}, {title: t("error")},
                {title: t("newest"), class: "code"}, {title: t("when")}, {title: ""}];
            fill(place, table(t("dead"), columns, items.map(group => ({cells: [number(group.jobs),
                h("a", {class: "row", href: `#/jobs?${new URLSearchParams({state: "dead", kind: group.kind})}`}, group.kind),
                h("span", {class: "code bad"}, group.error.slice(0, 300)), h("a", {href: `#/jobs/${group.newest}`}, group.newest),
                h("time", {datetime: group.newest_at, title: time(group.newest_at)}, ago(group.newest_at)),
                context.guarded("operate", t("retry_kind"),
                    () => actOnMany("retry", {filter: {state: ["dead"], kind: group.kind}}, load))]})), t("no_dead")));
        } catch (error) {
            fill(place, h("p", {class: "problem", role: "alert"}, error.message || t("unreachable")));
        }
    };
    fill(root, h("h1", {}, t("dead")), place);
    load();
}
