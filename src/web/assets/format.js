// Times, lengths and sizes in the reader's language.
import {locale, t} from "./texts.js";

export function number(value) {
    return value === null || value === undefined ? "" : new Intl.NumberFormat(locale()).format(value);
}

export function time(instant) {
    return instant ? new Date(instant).toLocaleString(locale(), {dateStyle: "medium", timeStyle: "medium"}) : "";
}

export function clock(instant) {
    return new Date(instant).toLocaleTimeString(locale(), {hour: "2-digit", minute: "2-digit"});
}

const steps = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

// "3 minutes ago", "in 2 hours"
export function ago(instant) {
    if (!instant) {
        return "";
    }
    const seconds = (new Date(instant) - Date.now()) / 1000;
    const words = new Intl.RelativeTimeFormat(locale(), {numeric: "auto", style: "short"});
    for (const [unit, length] of steps) {
        if (Math.abs(seconds) >= length || unit === "second") {
            return words.format(Math.round(seconds / length), unit);
        }
    }
    return "";
}

// 1500 → "1.5 s"
export function length(milliseconds) {
    if (milliseconds === null || milliseconds === undefined || Number.isNaN(milliseconds)) {
        return "";
    }
    const in_units = (value, unit) => new Intl.NumberFormat(locale(),
        {style: "unit", unit, unitDisplay: "narrow", maximumFractionDigits: value < 10 ? 1 : 0}).format(value);
    if (milliseconds < 1000) {
        return `${number(Math.round(milliseconds))} ms`;
    }
    for (const [unit, seconds] of steps) {
        const value = milliseconds / 1000 / seconds;
        if (value >= 1) {
            return in_units(value, unit);
        }
    }
    return "";
}

export function bytes(count) {
    if (count === null || count === undefined) {
        return "";
    }
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let value = count;
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        ++unit;
    }
    return `${new Intl.NumberFormat(locale(), {maximumFractionDigits: value < 10 ? 1 : 0}).format(value)} ${units[unit]}`;
}

// What has passed since an instant, or between two.
export function since(begin, end = null) {
    return begin ? length((end ? new Date(end) : Date.now()) - new Date(begin)) : "";
}

export function percent(share) {
    return new Intl.NumberFormat(locale(), {style: "percent", maximumFractionDigits: share > 0 && share < 0.1 ? 1 : 0}).format(share);
}

export function json(value) {
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

export function state(name) {
    return t(`state_${name}`);
}
