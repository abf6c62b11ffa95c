"""Vega-Lite charts, and their vector graphics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from segmentation.insights.report.parts import Spec

# Narrow, so that its words can still be read on a phone; wider windows enlarge it.
WIDTH = 440
# Told apart by people who see few colours, on light and on dark.
BLUE, ORANGE, GREY = "#3b82c4", "#d97b29", "#8a8f98"
CONFIG: Spec = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    # The library measures texts in another font than the page has.
    "padding": {"left": 25, "right": 30, "top": 5, "bottom": 5},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": GREY,
        "tickColor": GREY,
        "gridColor": GREY,
        "gridOpacity": 0.25,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titlePadding": 18,
        "labelLimit": 200,
    },
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12},
}


def bars(labels: Sequence[str], values: Sequence[float], title: str, limits: Sequence[float] = ()) -> Spec:
    """One bar a label, in their order; `limits` are places between bars, counted in bars, at which a line is drawn."""
    data = [
        {"label": label, "value": value, "at": at} for at, (label, value) in enumerate(zip(labels, values, strict=True))
    ]
    axis = {
        "labelExpr": f"{json.dumps(list(labels))}[datum.value]",
        "values": list(range(len(data))),
        "labelAngle": -35,
        "grid": False,
        "title": None,
    }
    scale = {"domain": [-0.5, len(data) - 0.5], "nice": False}
    position = {"field": "at", "type": "quantitative", "scale": scale, "axis": axis}
    wide = {"type": "bar", "color": BLUE, "size": 0.8 * WIDTH / max(len(data), 1)}
    layers = [
        {
            "data": {"values": data},
            "mark": wide,
            "encoding": {
                "x": position,
                "y": {"field": "value", "type": "quantitative", "title": title},
            },
        }
    ]
    if limits:
        layers.append(
            {
                "data": {"values": [{"at": at} for at in limits]},
                "mark": {"type": "rule", "color": ORANGE, "strokeWidth": 2, "strokeDash": [5, 3]},
                "encoding": {"x": position},
            }
        )
    return {"width": WIDTH, "height": 200, "layer": layers}


def shares(labels: Sequence[str], customers: Sequence[float], spend: Sequence[float]) -> Spec:
    """Two bars a label: its share of the customers and of the spend."""
    data = [
        {"label": label, "of": of, "share": value}
        for of, values in (("customers", customers), ("spend", spend))
        for label, value in zip(labels, values, strict=True)
    ]
    return {
        "width": WIDTH - 60,
        "height": {"step": 16},
        "data": {"values": data},
        "mark": "bar",
        "encoding": {
            "y": {"field": "label", "type": "nominal", "sort": list(labels), "title": None},
            "yOffset": {"field": "of", "sort": ["customers", "spend"]},
            "x": {
                "field": "share",
                "type": "quantitative",
                "axis": {"format": ".0%", "tickMinStep": 0.05},
                "title": None,
            },
            "color": {
                "field": "of",
                "type": "nominal",
                "scale": {"domain": ["customers", "spend"], "range": [BLUE, ORANGE]},
                "legend": {"title": None, "orient": "top"},
            },
        },
    }


def over_time(months: Sequence[str], values: Sequence[float], title: str, shaded: Sequence[tuple[str, str]]) -> Spec:
    """One bar a month, and stretches of days behind them."""
    time: Spec = {"type": "temporal", "title": None}
    ranges = [{"start": start, "end": end} for start, end in shaded]
    layers: list[Spec] = [
        {
            "data": {"values": ranges},
            "mark": {"type": "rect", "color": ORANGE, "opacity": 0.3},
            "encoding": {"x": {**time, "field": "start"}, "x2": {"field": "end"}},
        },
        {
            "data": {"values": [{"month": month, "value": value} for month, value in zip(months, values, strict=True)]},
            "mark": {"type": "bar", "color": BLUE, "opacity": 0.85},
            "encoding": {
                "x": {**time, "field": "month", "timeUnit": "yearmonth"},
                "y": {"field": "value", "type": "quantitative", "title": title},
            },
        },
    ]
    return {"width": WIDTH, "height": 200, "layer": layers if ranges else layers[1:]}


def drawn(spec: Spec) -> str:
    """A chart as SVG; colours of text are the page's.

    Raises:
        ImportError: the library is not installed.
    """
    import vl_convert

    schema = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json"}
    # Separators of lines end a text in the script that draws it.
    plain = json.dumps({**schema, **spec}, ensure_ascii=False).translate(dict.fromkeys((0x2028, 0x2029), " "))
    svg: Any = vl_convert.vegalite_to_svg(plain, config=CONFIG, allowed_base_urls=[])
    return str(svg)
