// The overview, as the server reads it anew: by server-sent events, or by asking every few seconds where they do not come.
import {get} from "./api.js";

const listeners = new Set();
let last = null;
let state = "away";
let source = null;
let timer = null;

function tell() {
    for (const listener of listeners) {
        listener(last, state);
    }
}

function take(overview) {
    last = overview;
    tell();
}

async function poll() {
    clearTimeout(timer);
    try {
        const overview = await get("/overview");
        state = source?.readyState === EventSource.OPEN ? "live" : "polling";
        take(overview);
    } catch {
        state = "away";
        tell();
    }
    if (state !== "live") {
        timer = setTimeout(poll, 5000);
    }
}

export function start() {
    stop();
    source = new EventSource("/api/v1/events");
    source.addEventListener("overview", event => {
        clearTimeout(timer);
        state = "live";
        take(JSON.parse(event.data));
    });
    // It connects again by itself; until it has, the overview is asked for.
    source.addEventListener("error", () => {
        if (state === "live") {
            poll();
        }
    });
    poll();
}

export function stop() {
    source?.close();
    clearTimeout(timer);
}

// Calls at once with what there is, then with each news; returns what ends that.
export function follow(listener) {
    listeners.add(listener);
    listener(last, state);
    return () => listeners.delete(listener);
}
