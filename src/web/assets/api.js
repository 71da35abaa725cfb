// The JSON API. Ids are texts.
import {t} from "./texts.js";

export class ApiError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

// JSON as it was written: a number that JavaScript would round stays as it is, where the browser can keep it.
export function parse(text) {
    return JSON.parse(text, (key, value, source) =>
        typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && source?.source && JSON.rawJSON
            ? JSON.rawJSON(source.source) : value);
}

async function ask(path, options) {
    let answer;
    try {
        answer = await fetch("/api/v1" + path, {credentials: "same-origin", ...options});
    } catch {
        throw new ApiError(0, t("unreachable"));
    }
    let body = {};
    try {
        body = parse(await answer.text());
    } catch {
        // A proxy's own page, or a connection that broke off.
        if (answer.ok) {
            throw new ApiError(0, t("unreachable"));
        }
    }
    if (!answer.ok) {
        if (answer.status === 401) {
            window.dispatchEvent(new Event("signed-out"));
        }
        throw new ApiError(answer.status, answer.status === 503 ? t("database_away_now") : body.error ?? t("status", {status: answer.status}));
    }
    return body;
}

export function get(path, parameters = {}) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
    return ask(query.size > 0 ? `${path}?${query}` : path);
}

export function post(path, body = {}) {
    return ask(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
}
