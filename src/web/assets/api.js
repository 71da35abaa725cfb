// The JSON API. Ids are texts.

export class ApiError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

async function ask(path, options) {
    let answer;
    try {
        answer = await fetch("/api/v1" + path, {credentials: "same-origin", ...options});
    } catch {
        throw new ApiError(0, "");
    }
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) {
        if (answer.status === 401) {
            window.dispatchEvent(new Event("signed-out"));
        }
        throw new ApiError(answer.status, body.error ?? `${answer.status}`);
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
