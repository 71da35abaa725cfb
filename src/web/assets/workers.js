// Workers: where they are, what they hold, when they last spoke, and what they hold back.
import {badge, fill, h, table} from "./dom.js";
import {ago, number, since, time} from "./format.js";
import {follow} from "./live.js";
import {t} from "./texts.js";

export function slots(worker) {
    const words = `${number(worker.running)} / ${number(worker.slots)}`;
    return h("span", {class: "meter"}, h("progress", {max: Math.max(worker.slots, 1), value: worker.running, "aria-label": t("slots_of", {worker: worker.name})}), words);
}

export function workerState(worker) {
    const held = worker.report?.held_back?.length ?? 0;
    return [badge(worker.state, t(`state_${worker.state}`)), held > 0 ? [" ", badge("held_back", t("held_back_count", {count: number(held)}))] : null];
}

function troubles(worker) {
    return (worker.report?.held_back ?? []).map(one => h("div", {class: "trouble"},
        h("div", {}, badge("held_back", t("state_held_back")), " ", h("span", {class: "code"}, one.service ?? (one.kinds ?? []).join(", ")),
            one.failures ? h("span", {class: "hint"}, ` ${t("failures", {count: number(one.failures)})}`) : null),
        h("div", {class: "bad code"}, one.error ?? "")));
}

function names(list, otherwise) {
    if (list.length === 0) {
        return otherwise;
    }
    return list.length <= 4 ? list.join(", ") : h("details", {}, h("summary", {}, `${list.slice(0, 2).join(", ")} … (${number(list.length)})`), list.join(", "));
}

export function show(root) {
    const place = h("section", {class: "card"});
    fill(root, h("h1", {}, t("workers")), place);
    let shown = "";
    return follow((overview, state) => {
        if (!overview) {
            fill(place, h("p", {class: "empty"}, t(state === "away" ? "waiting_for_figures" : "loading")));
            return;
        }
        const now = JSON.stringify(overview.workers);
        if (now === shown) {
            return;
        }
        shown = now;
        const columns = [{title: t("name"), class: "main"}, {title: t("state")}, {title: t("slots")}, {title: t("heartbeat")},
            {title: t("running_since")}, {title: t("queues"), class: "code"}, {title: t("kinds_plain"), class: "code"}, {title: t("labels"), class: "code"},
            {title: t("version")}, {title: t("held_back"), class: "wide"}];
        fill(place, table(t("workers"), columns, overview.workers.map(worker => ({cells: [
            [h("strong", {}, worker.name), h("div", {class: "hint"}, `${worker.host} · ${worker.pid}`)], workerState({...worker, report: null}), slots(worker),
            h("time", {datetime: worker.heartbeat_at, title: time(worker.heartbeat_at), class: worker.state === "lost" ? "bad" : null}, ago(worker.heartbeat_at)),
            h("time", {datetime: worker.started_at, title: time(worker.started_at)}, since(worker.started_at)),
            names(worker.queues, t("all_queues")), names(worker.kinds, t("all_queues")), names(worker.labels, ""), worker.version,
            troubles(worker).length > 0 ? h("div", {}, troubles(worker)) : ""]})), t("no_workers")));
    });
}
