// Customers by their labels, some at a time.

import { get } from "./api.js";
import { choice, el, say, table } from "./dom.js";
import { failure } from "./failures.js";
import { named, number, toCustomer } from "./words.js";

const AT_ONCE = 50;

/** The page of customers with labels. */
export async function people(asked) {
  const stats = await get("segments/stats");
  const wanted = Object.entries(stats.dimensions).filter(([name]) => asked.has(name)).map(([name]) => [name, asked.get(name)]);
  const title = wanted.length ? `Customers: ${wanted.map(([, label]) => label).join(", ")}` : "Customers";
  say(`${title}.`);
  return [
    el("h1", { tabindex: "-1" }, title),
    el("form", { class: "row", "aria-label": "With these labels" },
      Object.entries(stats.dimensions).map(([name, labels]) => filter(name, labels, asked))),
    await list(stats.dimensions, Object.fromEntries(wanted)),
  ];
}

function filter(name, labels, asked) {
  const changed = ({ target }) => {
    const wanted = new URLSearchParams(asked);
    if (target.value) wanted.set(name, target.value);
    else wanted.delete(name);
    location.hash = `#/customers?${wanted}`;
  };
  const options = [["", "any"], ...Object.keys(labels).map((label) => [label, label])];
  return choice(name, named(name), options, asked.get(name) ?? "", changed);
}

/** A list that goes on where there are more. */
export async function list(dimensions, asked) {
  const rows = [];
  const place = el("div", {});
  const names = Object.keys(dimensions);
  const show = (after) => place.replaceChildren(
    table(`${number(rows.length)}${after ? " and more" : ""} by id`, ["Customer", ...names.map(named)], rows.map((row) =>
      [el("a", { class: "id", href: toCustomer(row.customer_id) }, row.customer_id), ...names.map((name) => row.segmentation[name])])),
    after ? el("button", { type: "button", click: () => more(after) }, "Show more") : "",
  );
  // A page may hold fewer than it could, and there may be more still.
  const load = async (after) => {
    const from = rows.length;
    let cursor = after;
    do {
      const answer = await get(`segments?${new URLSearchParams({ ...asked, limit: AT_ONCE, ...(cursor ? { cursor } : {}) })}`);
      rows.push(...answer.customers);
      cursor = answer.next_cursor;
    } while (cursor && rows.length < from + AT_ONCE);
    show(cursor);
    return from;
  };
  const more = async (after) => {
    try {
      const from = await load(after);
      say(`${number(rows.length)} customers are shown.`);
      place.querySelectorAll("tbody a")[from]?.focus();
    } catch (error) {
      if (error.name !== "AbortError") place.lastChild.replaceWith(failure(error, () => more(after)));
    }
  };
  await load(null);
  return rows.length ? place : el("p", {}, "Nobody.");
}
