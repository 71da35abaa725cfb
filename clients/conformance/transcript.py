"""Transcripts: their form, and how an answer is compared with what was expected."""
import json

VERBS = ("start", "send", "send_text", "send_hex", "expect", "expect_printed", "close_input", "close_output",
         "expect_exit")


def read_transcript(file):
    """Pairs of line number and step; a step is an object with one verb."""
    steps = []
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            step = json.loads(line)
            if len(step) != 1 or next(iter(step)) not in VERBS:
                raise SystemExit(f"{file}:{number}: a step has one of the members {', '.join(VERBS)}")
            steps.append((number, step))
    return steps


def expanded(value):
    """Replaces {"$repeat": text, "times": n} and {"$nest": depth}, which stand for what is too large to write."""
    if isinstance(value, list):
        return [expanded(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        return value["$repeat"] * value["times"]
    if "$nest" in value:
        nested = []
        for _ in range(value["$nest"]):
            nested = [nested]
        return nested
    return {name: expanded(one) for name, one in value.items()}


def differences(expected, actual, path="message"):
    """What differs, in words; an empty list if nothing does.

    Objects have exactly the members that are expected. {"$contains": text} is any string with it, {"$lines": n} a
    list of at least n strings.
    """
    if isinstance(expected, dict):
        if "$contains" in expected:
            fits = isinstance(actual, str) and expected["$contains"] in actual
            return [] if fits else [f"{path} is {_shown(actual)}, not a text with {expected['$contains']!r}"]
        if "$lines" in expected:
            fits = (isinstance(actual, list) and len(actual) >= expected["$lines"]
                    and all(isinstance(line, str) for line in actual))
            return [] if fits else [f"{path} is {_shown(actual)}, not a list of lines"]
        if isinstance(actual, dict):
            wrong = [f"{path}.{name} is missing" for name in expected if name not in actual]
            wrong += [f"{path}.{name} was not expected: {_shown(actual[name])}" for name in actual
                      if name not in expected]
            for name in expected:
                if name in actual:
                    wrong += differences(expected[name], actual[name], f"{path}.{name}")
            return wrong
    if type(expected) is bool or type(actual) is bool:
        fits = expected is actual
    else:
        fits = expected == actual
    return [] if fits else [f"{path} is {_shown(actual)}, {_shown(expected)} was expected"]


def _shown(value):
    text = json.dumps(value)
    return text if len(text) <= 200 else text[:200] + "…"
