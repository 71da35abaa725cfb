// The overview, as the server reads it anew: by server-sent events, or by asking every few seconds where they do not come.
// Nothing is asked for while nobody looks.
import {get} from "./api.js";

const listeners = new Set();
let last = null;
let state = "away";
let source = null;
let timer = null;
let wanted = false;

function tell() {
    for (const listener of listeners) {
        listener(last, state);
    }
}

function take(overview) {
    last = overview;
    tell();
}

// Events come again by themselves, but not after an answer that was none.
function connect() {
    if (source && source.readyState !== EventSource.CLOSED) {
        return;
    }
    source = new EventSource("/api/v1/events");
    source.addEventListener("overview", event => {
        clearTimeout(timer);
        timer = null;
        state = "live";
        take(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
        if (state === "live") {
            state = "polling";
            poll();
        }
    });
}

async function poll() {
    clearTimeout(timer);
    const asked = source;
    try {
        const overview = await get("/overview");
        if (!wanted || asked !== source) {
            return;
        }
        if (state !== "live") {
            state = "polling";
            take(overview);
        }
    } catch {
        if (!wanted || asked !== source) {
            return;
        }
        state = "away";
        tell();
    }
    if (state !== "live") {
        connect();
        clearTimeout(timer);
        timer = setTimeout(poll, 5000);
    }
}

function open() {
    connect();
    poll();
}

function close() {
    source?.close();
    source = null;
    clearTimeout(timer);
    timer = null;
    state = "away";
}

export function start() {
    wanted = true;
    close();
    open();
}

export function stop() {
    wanted = false;
    last = null;
    close();
}

document.addEventListener("visibilitychange", () => {
    if (wanted && document.hidden) {
        close();
    } else if (wanted && !source) {
        open();
    }
});

export function latest() {
    return last;
}

// Calls at once with what there is, then with each news; returns what ends that.
export function follow(listener) {
    listeners.add(listener);
    listener(last, state);
    return () => listeners.delete(listener);
}

// Calls now and then every few seconds while somebody looks; returns what ends that.
export function every(seconds, load) {
    let timeout = null;
    let over = false;
    const again = async () => {
        if (!document.hidden) {
            await load();
        }
        if (!over) {
            timeout = setTimeout(again, seconds * 1000);
        }
    };
    again();
    return () => {
        over = true;
        clearTimeout(timeout);
    };
}
