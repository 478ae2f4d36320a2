"""The two kinds of plot in docs/performance.md, as SVG that reads in light and in dark. Pure."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

WIDTH: Final = 760
STYLE: Final = """<style>
  text { font: 14px system-ui, sans-serif; fill: #2b2622 }
  .title { font-weight: 600; font-size: 16px } .quiet { fill: #6b625a; font-size: 12px }
  .bar { fill: #b9ada1 } .ours { fill: #1f6f6b } .rule { stroke: #d9d0c7 }
  .line { fill: none; stroke: #a2958a; stroke-width: 1.5 }
  .our-line { fill: none; stroke: #1f6f6b; stroke-width: 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ece5dd } .quiet { fill: #a79c91 } .bar { fill: #6f655c } .ours { fill: #62b8b0 }
    .rule { stroke: #453e38 } .line { stroke: #857a70 } .our-line { stroke: #62b8b0 }
  }
</style>"""


def bars(title: str, unit: str, values: Sequence[tuple[str, float, bool]]) -> str:
    """Lying bars on a logarithmic scale; (label, value, whether it is ours), from small to large."""
    values = sorted(values, key=lambda each: each[1])
    low = 10 ** math.floor(math.log10(min(value for _, value, _ in values) / 1.5))
    high = max(value for _, value, _ in values)
    left, right, top, step = 220, 70, 64, 26
    span = WIDTH - left - right
    parts = []
    for power in range(int(math.log10(low)), math.ceil(math.log10(high)) + 1):
        x = left + span * _part(10.0**power, low, high)
        if x <= WIDTH - right + 1:
            parts.append(_rule(x, x, top - 6, top + step * len(values)))
            parts.append(_mark(x, top - 12, f"{10.0**power:g}"))
    for index, (label, value, ours) in enumerate(values):
        y = top + index * step
        length = max(2.0, span * _part(value, low, high))
        kind = "ours" if ours else "bar"
        parts.append(f'<text x="{left - 10}" y="{y + 15}" text-anchor="end">{escape(label)}</text>')
        parts.append(
            f'<rect class="{kind}" x="{left}" y="{y + 3}" width="{length:.1f}" height="{step - 9}" rx="3"/>'
        )
        parts.append(f'<text class="quiet" x="{left + length + 6:.1f}" y="{y + 15}">{value:.3g}</text>')
    return _svg(title, f"{unit} (logarithmic; less is better)", parts, top + step * len(values) + 14)


def lines(
    title: str,
    across: str,
    unit: str,
    series: Sequence[tuple[str, Sequence[tuple[float, float]], bool]],
    *,
    straight: bool = False,
) -> str:
    """Lines over x, logarithmic or `straight`; (label, points, whether it is ours). y begins at 0."""
    points = [point for _, each, _ in series for point in each]
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    most = 1.1 * max(y for _, y in points) or 1.0
    left, right, top, height = 60, 210, 64, 300
    span = WIDTH - left - right
    if straight:
        low = 0.0

    def at(x: float, y: float) -> tuple[float, float]:
        part = x / high if straight else _part(x, low, high)
        return left + span * part, top + height * (1 - y / most)

    parts = []
    for mark in _marks(most):
        y = at(low, mark)[1]
        parts.append(_rule(left, left + span, y, y))
        parts.append(f'<text class="quiet" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
    across_marks = _marks(high) if straight else _decades(low, high)
    parts += [_mark(at(x, 0)[0], top + height + 18, f"{x:,.0f}") for x in across_marks]
    taken: list[float] = []
    for label, each, ours in sorted(series, key=lambda one: one[1][-1][1]):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in sorted(each)))
        parts.append(f'<polyline class="{"our-line" if ours else "line"}" points="{path}"/>')
        x, y = at(*max(each))
        while any(abs(y - other) < 14 for other in taken):
            y -= 2
        taken.append(y)
        parts.append(f'<text class="quiet" x="{x + 6:.1f}" y="{y + 4:.1f}">{escape(label)}</text>')
    scale = "" if straight else " (logarithmic)"
    return _svg(title, f"{unit}, over {across}{scale}", parts, top + height + 34)


def _part(value: float, low: float, high: float) -> float:
    """Where `value` lies between `low` and `high`, by logarithm."""
    if high <= low:
        return 1.0
    return (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))


def _marks(most: float) -> list[float]:
    step = 10.0 ** math.floor(math.log10(most))
    if most / step < 2:
        step /= 4
    elif most / step < 5:
        step /= 2
    return [step * i for i in range(int(most / step) + 1)]


def _decades(low: float, high: float) -> list[float]:
    marks = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    within = [mark for mark in marks if low <= mark <= high] or [low]
    return within if high < 2 * within[-1] else [*within, high]


def _rule(x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line class="rule" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _mark(x: float, y: float, text: str) -> str:
    return f'<text class="quiet" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{text}</text>'


def _svg(title: str, subtitle: str, parts: Sequence[str], height: float) -> str:
    box = f'viewBox="0 0 {WIDTH} {height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{escape(title)}">'
    words = [
        f'<text class="title" x="0" y="18">{escape(title)}</text>',
        f'<text class="quiet" x="0" y="36">{escape(subtitle)}</text>',
    ]
    return "\n".join([head, STYLE, *words, *parts, "</svg>"]) + "\n"
