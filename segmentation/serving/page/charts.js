// Bars, heat maps and columns; each has its numbers beside it as text.

import { el, scrolled, SHORT, svg } from "./dom.js";
import { month, number, percent } from "./words.js";

/** A bar as long as a share of what there is room for. */
export function bar(share, tone = "") {
  const width = Math.max(0, Math.min(1, share)) * 100;
  return svg("svg", { class: `chart ${tone}`, viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "track", width: 100, height: 10 }),
    svg("rect", { class: "fill", width, height: 10 }),
  );
}

/** Labels with their customers, a bar each. */
export function distribution(caption, rows, address) {
  const most = Math.max(...rows.map((row) => row.customers), 1);
  const line = (row) => el("tr", {},
    el("th", { scope: "row", class: row.label.length <= SHORT ? "short" : null }, el("a", { href: address(row.label) }, row.label)),
    el("td", { class: "drawn" }, bar(row.customers / most)),
    el("td", { class: "number" }, number(row.customers)),
    el("td", { class: "number soft" }, percent(row.share)),
  );
  return el("table", { class: "bars" },
    el("caption", {}, caption),
    el("thead", { class: "unseen" }, el("tr", {},
      ["label", "chart", "customers", "share"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map(line)),
  );
}

/** Numbers in rows and columns, the stronger the colour the larger.
 * `cell(row, column)` tells `text`, `heat` between 0 and 1, and where to go (`href`, `said`), or not. */
export function heatMap(name, caption, corner, rows, columns, cell) {
  const drawn = (row, column) => {
    const { text, heat, href, said } = cell(row, column);
    const shown = href ? el("a", { href, "aria-label": said }, text) : text;
    return el("td", { class: "number heat", style: { "--share": heat.toFixed(3) } }, shown);
  };
  const head = [corner ? el("th", { scope: "col" }, corner) : el("td", {}),
    ...columns.map((column) => el("th", { scope: "col", class: "number" }, column))];
  return scrolled(name, el("table", { class: "heatmap" },
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, head)),
    el("tbody", {}, rows.map((row) =>
      el("tr", {}, el("th", { scope: "row" }, row), columns.map((column) => drawn(row, column))))),
  ));
}

/** A column a month, those without anything included. */
export function monthly(amounts) {
  const months = every(Object.keys(amounts).sort());
  const values = months.map((one) => amounts[one] ?? 0);
  const most = Math.max(...values, 1);
  const wide = 100 / months.length;
  const column = (value, at) => {
    const height = (Math.max(value, 0) / most) * 100;
    const place = { x: at * wide, width: Math.min(wide * 0.8, 8), y: 100 - height, height };
    return svg("rect", { class: "fill", ...place }, svg("title", {}, `${month(months[at])}: ${number(values[at].toFixed(0))}`));
  };
  const most_said = number(most.toFixed(0));
  const said = `Spend a month from ${month(months[0])} to ${month(months.at(-1))}, at most ${most_said}`;
  return el("figure", { class: "monthly" },
    el("figcaption", {}, said),
    svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img", "aria-label": said }, values.map(column)),
    el("div", { class: "ends", "aria-hidden": "true" },
      el("span", {}, month(months[0])), months.length > 1 ? el("span", {}, month(months.at(-1))) : null),
  );
}

function every(known) {
  const all = [];
  for (let at = new Date(`${known[0]}-01`); all.at(-1) !== known.at(-1); at.setUTCMonth(at.getUTCMonth() + 1)) {
    all.push(at.toISOString().slice(0, 7));
  }
  return all;
}
