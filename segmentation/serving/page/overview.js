// How many customers have which label, and which labels go together.

import { get } from "./api.js";
import { distribution, heatMap } from "./charts.js";
import { choice, el, pending, say, section } from "./dom.js";
import { failure } from "./failures.js";
import { day, named, number, percent, plural, toCustomer, toCustomers } from "./words.js";

const SHOWN = [["customers", "Customers"], ["row", "Share of the row"], ["all", "Share of all"]];

/** The first page. */
export async function overview(asked) {
  const [stats, some] = await Promise.all([get("segments/stats"), get("segments?limit=3")]);
  say(`${plural(stats.customers, "customer")}, as of ${day(stats.as_of)}.`);
  const dimensions = Object.entries(stats.dimensions);
  return [
    el("h1", { tabindex: "-1" }, `${plural(stats.customers, "customer")} by label`),
    some.customers.length ? el("p", { class: "lead" }, "Find one by its id above, for example ", examples(some.customers), ".") : null,
    section("Labels", el("div", { class: "cards" }, dimensions.map(([name, labels]) => card(name, labels)))),
    dimensions.length > 1 ? section("Crossed", crossing(stats, asked)) : null,
  ];
}

function examples(customers) {
  return customers.flatMap(({ customer_id: id }, at) => [at ? ", " : "", el("a", { class: "id", href: toCustomer(id) }, id)]);
}

function card(name, labels) {
  const rows = Object.entries(labels).map(([label, counted]) => ({ label, ...counted }));
  return el("article", { class: "card" }, rows.length
    ? distribution(named(name), rows, (label) => toCustomers({ [name]: label }))
    : [el("h3", {}, named(name)), el("p", {}, "The version of the program that published this counted no labels.")]);
}

/** Two dimensions, and how their numbers are shown; the choice stands in the address. */
function crossing(stats, asked) {
  const names = Object.keys(stats.dimensions);
  const chosen = { rows: known(names, asked.get("rows")) ?? names[0], columns: known(names, asked.get("columns")) ?? names[1],
    show: asked.get("show") ?? "customers" };
  const place = el("div", {});
  const draw = () => place.replaceChildren(chosen.rows === chosen.columns
    ? el("p", {}, "Choose two that differ.")
    : pending(() => get(`segments/stats?by=${[chosen.rows, chosen.columns].map(encodeURIComponent)}`),
      (told) => heat(told, chosen), failure));
  const changed = ({ target }) => {
    chosen[target.name] = target.value;
    history.replaceState(null, "", `#/?${new URLSearchParams(chosen)}`);
    draw();
  };
  draw();
  const dimensions = names.map((name) => [name, named(name)]);
  return [
    el("form", { class: "row", "aria-label": "What is crossed" },
      choice("rows", "Rows", dimensions, chosen.rows, changed),
      choice("columns", "Columns", dimensions, chosen.columns, changed),
      choice("show", "Numbers", SHOWN, chosen.show, changed)),
    place,
  ];
}

const known = (names, name) => (names.includes(name) ? name : null);

function heat(stats, chosen) {
  const counts = new Map(stats.crossed.rows.map((row) => [pair(row[chosen.rows], row[chosen.columns]), row.customers]));
  const [rows, columns] = [chosen.rows, chosen.columns].map((name) => labelsOf(stats, name));
  const count = (row, column) => counts.get(pair(row, column)) ?? 0;
  const sums = new Map(rows.map((row) => [row, columns.reduce((sum, column) => sum + count(row, column), 0)]));
  const whole = (row) => ({ row: sums.get(row), all: stats.customers })[chosen.show];
  const most = Math.max(...counts.values(), 1);
  const text = (row, column) =>
    chosen.show === "customers" ? number(count(row, column)) : percent(count(row, column) / (whole(row) || 1));
  const strength = (row, column) => (chosen.show === "row" ? count(row, column) / (sums.get(row) || 1) : count(row, column) / most);
  const caption = `${named(chosen.rows)}, and ${named(chosen.columns).toLowerCase()}`;
  return heatMap(caption, caption, "", rows, columns, (row, column) => ({
    text: text(row, column),
    heat: strength(row, column),
    href: count(row, column) ? toCustomers({ [chosen.rows]: row, [chosen.columns]: column }) : null,
    said: `${text(row, column)}: ${row}, ${column}`,
  }));
}

const pair = (row, column) => JSON.stringify([row, column]);

/** As the first page orders them, and what else was counted. */
function labelsOf(stats, name) {
  return [...new Set([...Object.keys(stats.dimensions[name]), ...stats.crossed.rows.map((row) => row[name])])];
}
