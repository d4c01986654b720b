"""plot.py FILE: draws what tests/bench/nss.py has measured, as SVG, onto standard output."""
import json
import math
import sys
from html import escape

# Told apart also without colours: by their order, which is the same everywhere.
COLOURS = ["#1b6ca8", "#63a4d4", "#9aa0a6", "#d9822b", "#8c3b3b"]
LEFT, TOP, WIDTH, BAR, GAP, RIGHT = 170, 64, 620, 13, 16, 90
DECADES = range(2, 8)


def plot(measured, calls):
    """Medians in a row of bars for each call, on a scale of tenfold steps."""
    names = list(measured)
    height = TOP + len(calls) * (len(names) * BAR + GAP) + 40
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif"'
             ' font-size="12">' % (LEFT + WIDTH + RIGHT, height),
             '<title>Time of one look-up, one thread, median</title>',
             '<rect width="100%" height="100%" fill="white"/>']
    x = LEFT
    for name, colour in zip(names, COLOURS):
        parts.append('<rect x="%d" y="16" width="12" height="12" fill="%s"/>' % (x, colour))
        parts.append('<text x="%d" y="26">%s</text>' % (x + 17, escape(name)))
        x += 34 + 7 * len(name)
    for decade in DECADES:
        at = place(10 ** decade)
        parts.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/>' % (
            at, TOP - 8, at, height - 34))
        parts.append('<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%s</text>' % (
            at, height - 16, spoken(10 ** decade)))
    y = TOP
    for call in calls:
        middle = y + len(names) * BAR / 2 + 4
        parts.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (
            LEFT - 10, middle, escape(call)))
        for name, colour in zip(names, COLOURS):
            got = measured[name].get(call)
            if got:
                end = place(got[0])
                parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
                    LEFT, y, max(end - LEFT, 1), BAR - 2, colour))
                parts.append('<text x="%.1f" y="%d" font-size="10" fill="#333">%s</text>' % (
                    end + 4, y + BAR - 4, spoken(got[0])))
            y += BAR
        y += GAP
    return "\n".join(parts + ["</svg>\n"])


def place(nanoseconds):
    first, last = DECADES[0], DECADES[-1]
    share = (math.log10(max(nanoseconds, 10 ** first)) - first) / (last - first)
    return LEFT + WIDTH * min(share, 1)


def spoken(nanoseconds):
    if nanoseconds < 1000:
        return "%d ns" % nanoseconds
    if nanoseconds < 1e6:
        return "%.3g µs" % (nanoseconds / 1e3)
    return "%.3g ms" % (nanoseconds / 1e6)


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        found = json.load(source)
    sys.stdout.write(plot(found, list(next(iter(found.values())))))
