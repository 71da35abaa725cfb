// Dead letters, by what killed them.
import {get} from "./api.js";
import {actOnMany} from "./actions.js";
import {fill, h, problem, table} from "./dom.js";
import {ago, number, time} from "./format.js";
import {every} from "./live.js";
import {t} from "./texts.js";

export function show(root, context) {
    const place = h("section", {class: "card"});
    const words = h("p", {class: "hint"});
    let shown = "";
    const row = (group, of_kind) => {
        const jobs = `#/jobs?${new URLSearchParams({state: "dead", kind: group.kind})}`;
        const filter = {state: ["dead"], kind: group.kind};
        const act = (verb, scope) => context.guarded(scope, t(`${verb}_kind`, {count: number(of_kind)}), () => actOnMany(verb, {filter}, load),
            {class: verb === "delete" ? "small danger" : "small", "data-focus": `${verb} ${group.kind} ${group.fingerprint}`,
                "aria-label": `${t(`${verb}_kind`, {count: number(of_kind)})}: ${group.kind}`});
        return {cells: [h("a", {class: "row", href: jobs, "data-focus": `dead ${group.kind} ${group.fingerprint}`}, group.kind), h("strong", {}, number(group.jobs)),
            h("div", {}, h("div", {class: "code bad"}, group.error.slice(0, 300)), h("div", {class: "hint"}, t("fingerprint", {text: group.fingerprint}))),
            h("a", {href: `#/jobs/${group.newest}`, "data-focus": `newest ${group.newest}`}, group.newest),
            h("time", {datetime: group.newest_at, title: time(group.newest_at)}, ago(group.newest_at)),
            h("div", {class: "buttons"}, h("a", {class: "button small", href: jobs}, t("show_jobs")), act("retry", "operate"), act("delete", "admin"))]};
    };
    async function load() {
        try {
            const {items} = await get("/dead");
            const now = JSON.stringify(items);
            if (now === shown) {
                return;
            }
            shown = now;
            const of_kind = new Map();
            items.forEach(group => of_kind.set(group.kind, (of_kind.get(group.kind) ?? 0) + group.jobs));
            words.textContent = items.length > 0 ? t("dead_groups", {jobs: number(items.reduce((sum, group) => sum + group.jobs, 0)), groups: number(items.length)}) : "";
            const columns = [{title: t("kind"), class: "main code"}, {title: t("jobs"), number: true}, {title: t("error"), class: "wide"},
                {title: t("newest"), class: "code"}, {title: t("when")}, {title: "", class: "wide actions"}];
            fill(place, table(t("dead"), columns, items.map(group => row(group, of_kind.get(group.kind))), t("no_dead")));
        } catch (error) {
            shown = "";
            fill(place, problem(error.message));
        }
    }
    fill(root, h("div", {class: "head"}, h("h1", {}, t("dead")), words), place);
    fill(place, h("p", {class: "empty"}, t("loading")));
    return every(5, load);
}
