// One customer: labels and why, what comes next, metrics, purchases, history.

import { ofCustomer, segment } from "./api.js";
import { monthly } from "./charts.js";
import { el, pending, say, section, table } from "./dom.js";
import { again, failure } from "./failures.js";
import { because, day, human, isDay, metric, moment, named, NOTHING, number, plural, quoted, toCustomer, until } from "./words.js";
import { labels } from "./why.js";

// Purchases that are shown at first.
const FIRST = 10;
const MONEY = ["lifetime_spend", "average_order_value", "returned_amount"];
const TILES = ["lifetime_spend", "total_purchases", "average_order_value", "last_purchase"];
const ABOUT = ["customer_id", "as_of", "run_id", "updated_at"];

/** The page of a customer. */
export async function customer(id) {
  const { segmentation } = await segment(id);
  const said = Object.entries(segmentation).map(([name, label]) => `${named(name)}: ${label}`).join(", ");
  say(`Customer ${id}. ${said}.`);
  const explained = ofCustomer(id, "explain");
  const facts = explained.then((told) => told.metrics).catch(() => ofCustomer(id, "metrics"));
  return [
    el("div", { class: "titled" },
      el("div", {}, el("p", { class: "kicker" }, "Customer"), el("h1", { tabindex: "-1", class: "id" }, id)),
      copyButton()),
    why(segmentation, explained),
    section("In numbers", pending(() => facts, (told) => numbers(told, segmentation), failed)),
    pending(() => explained, bought, () => null),
    section("History", pending(() => ofCustomer(id, "history"), history, failed)),
  ];
}

/** Who is not there, and who may be meant. */
export async function unknown(id) {
  say("Customer not found.");
  const trimmed = id.trim();
  return [
    el("h1", { tabindex: "-1" }, "Customer not found"),
    el("p", { class: "id" }, `Nobody with the id ${quoted(id)} is in what was published last.`),
    trimmed && trimmed !== id ? el("p", {}, "Without the blanks around it: ", el("a", { href: toCustomer(trimmed) }, trimmed)) : null,
    el("p", {}, "Ids are compared as they are: with every zero, and in upper and lower case."),
    section("Was there before?", pending(() => ofCustomer(id, "history"), history, () =>
      el("p", { class: "soft" }, "No change of this customer's labels is recorded."))),
  ];
}

function copyButton() {
  const copy = async ({ target }) => {
    // Browsers have a clipboard for encrypted addresses and for this machine only.
    const copied = navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    const said = (await copied) ? "Link copied" : "Copy it from the address bar";
    target.textContent = said;
    say(said);
    setTimeout(() => (target.textContent = "Copy link"), 2000);
  };
  return el("button", { type: "button", class: "quiet", click: copy }, "Copy link");
}

/** The labels at once, the reasons when they are there. */
function why(segmentation, explained) {
  const unknown = (error) => [section("Labels", labels(segmentation)), unexplained(error)];
  const place = pending(() => explained, (told) => reasons(told, segmentation), unknown);
  place.replaceChildren(section("Labels", labels(segmentation), el("p", { class: "loading" }, "Looking up the reasons …")));
  return place;
}

function unexplained(error) {
  return error.status === 404
    ? el("p", { class: "soft" }, "This server does not say why.")
    : [el("p", { class: "soft" }, "Why cannot be said now."), failed(error)];
}

/** Parts share what they ask, so all try again. */
const failed = (error) => failure(error, again);

function reasons(told, segmentation) {
  return [
    section("Labels, and why",
      told.rules_as_published ? null : el("p", { class: "warning" }, "The labels were published with other rules than those of now, which are shown."),
      labels(segmentation, told.dimensions)),
    section("If nothing is bought", coming(told)),
  ];
}

function bought(told) {
  return [
    section("Purchases", purchases(told.purchases)),
    told.rejected.length ? section("Rejected rows", rejected(told.rejected)) : null,
  ];
}

function coming({ next, next_unknown: why, as_of: asOf }) {
  if (next === null) return el("p", { class: "soft" }, `Not known: ${why}.`);
  if (!next.length) return el("p", {}, "The labels stay as they are.");
  return el("ol", { class: "timeline" }, next.map((one) =>
    el("li", {},
      el("time", { datetime: one.day }, day(one.day)), el("span", { class: "soft" }, ` ${until(asOf, one.day)}`),
      el("ul", {}, moved(one)))));
}

function moved({ dimension, from_label, to_label, cause }) {
  return el("li", {},
    `${named(dimension)}: `,
    from_label === null ? null : [from_label, el("span", { class: "arrow" }, " → ")], el("strong", {}, to_label ?? "(gone)"),
    cause ? el("span", { class: "soft" }, `, ${because(cause)}`) : null);
}

function numbers(told, segmentation) {
  const shown = Object.keys(told).filter((name) => !ABOUT.includes(name) && !(name in segmentation));
  const tiles = TILES.filter((name) => shown.includes(name));
  const fact = (name) => el("div", {},
    el("dt", {}, human(name) + (MONEY.includes(name) ? ", rupees" : "")), el("dd", {}, metric(name, told[name])));
  return [
    el("dl", { class: "tiles" }, tiles.map(fact)),
    el("dl", { class: "facts" }, shown.filter((name) => !tiles.includes(name)).map(fact)),
  ];
}

function purchases(rows) {
  if (rows === null) return el("p", { class: "soft" }, "Not known: runs keep purchases only with mode: incremental.");
  if (!rows.length) return el("p", {}, "None.");
  const counted = rows.filter((row) => row.counted);
  const note = counted.length < rows.length ? ["Note"] : [];
  const place = el("div", {});
  const list = (most) => place.replaceChildren(
    table(`${plural(rows.length, "purchase")}, the newest first`, ["Day", "Purchase", "Amount, rupees", "Category", ...note],
      rows.slice(0, most).map((row) => [day(row.purchase_date), row.purchase_id, number(row.amount), row.category,
        ...note.map(() => (row.counted ? "" : "after the as-of day"))]), [2]),
    rows.length > most ? el("button", { type: "button", click: () => list(rows.length) }, `Show all ${number(rows.length)}`) : "",
  );
  list(FIRST);
  return [counted.length > 1 ? monthly(byMonth(counted)) : null, place];
}

function byMonth(rows) {
  const sums = {};
  for (const { purchase_date, amount } of rows) {
    const of = purchase_date.slice(0, 7);
    sums[of] = (sums[of] ?? 0) + Number(amount);
  }
  return sums;
}

function rejected(rows) {
  const shown = (value) => (isDay(value) ? value : (value ?? NOTHING));
  return table("Not counted, and why", ["Purchase", "Day as given", "Amount as given", "Category as given", "Because", "File"],
    rows.map((row) => [shown(row.purchase_id), shown(row.purchase_date), shown(row.amount), shown(row.category),
      row.reasons.map(human).join(", "), row.source.split("/").at(-1)]), [2]);
}

function history({ changes }) {
  if (!changes.length) return el("p", { class: "soft" }, "No change of labels is recorded.");
  const runs = Map.groupBy([...changes].reverse(), (one) => one.run_id);
  return el("ol", { class: "timeline" }, [...runs.values()].map((several) =>
    el("li", {},
      el("time", { datetime: several[0].changed_at }, moment(several[0].changed_at)),
      el("span", { class: "soft" }, ` as of ${day(several[0].as_of)}`),
      el("ul", {}, several.map(moved)))));
}
