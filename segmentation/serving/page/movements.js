// Who got other labels since a day, and why.

import { get } from "./api.js";
import { bar, heatMap } from "./charts.js";
import { el, pending, say, scrolled, section } from "./dom.js";
import { failure } from "./failures.js";
import { list } from "./people.js";
import { because, day, isDay, named, number, plural } from "./words.js";

const NOT_THERE = "(not there)", GONE = "(gone)";
const WEEK = 7;

/** The page of movements. */
export async function movements(asked) {
  const stats = await get("segments/stats");
  const published = stats.published_at.slice(0, 10);
  const since = isDay(asked.get("since")) ? asked.get("since") : before(published, 30);
  const { movements: flows } = await get(`segments/movements?since=${since}`);
  const isNew = (flow) => flow.from_label === null;
  const [came, moved] = [flows.filter(isNew), flows.filter((flow) => !isNew(flow))];
  const total = moved.reduce((sum, flow) => sum + flow.customers, 0);
  say(`${number(total)} changes of labels since ${day(since)}.`);
  return [
    el("h1", { tabindex: "-1" }, `Who moved since ${day(since)}`),
    el("p", { class: "lead" }, "By the day of the run that published the change, not by the day of a purchase."),
    days(since, published),
    moved.length ? null : el("p", { class: "notice" }, "Nobody who was there before got another label."),
    Object.keys(stats.dimensions).flatMap((name) => dimension(name, moved, Object.keys(stats.dimensions[name]))),
    came.length ? section("Seen for the first time", arrivals(came)) : null,
    section("Who they are", pending(() => list(stats.dimensions, { changed_since: since }), (shown) => shown, failure)),
  ].flat();
}

function before(text, days) {
  const at = new Date(text);
  at.setUTCDate(at.getUTCDate() - days);
  return at.toISOString().slice(0, 10);
}

function days(since, published) {
  const input = el("input", { id: "since", name: "since", type: "date", value: since, required: true });
  const submit = (event) => {
    event.preventDefault();
    location.hash = `#/movements?since=${input.value}`;
  };
  const quick = [[before(published, 0), "the last day of runs"], [before(published, WEEK), "7 days"], [before(published, 365), "a year"]];
  return el("form", { class: "row", submit },
    el("div", { class: "choice" }, el("label", { for: "since" }, "Since"), input), el("button", {}, "Show"),
    el("p", { class: "quick" }, "Or: ", quick.flatMap(([at, text], number) =>
      [number ? " · " : "", el("a", { href: `#/movements?since=${at}` }, text)])));
}

function dimension(name, moved, labels) {
  const flows = moved.filter((flow) => flow.dimension === name);
  return flows.length ? [section(named(name), el("div", { class: "beside" }, matrix(name, flows, labels), listed(name, flows)))] : [];
}

function matrix(name, flows, labels) {
  const counts = new Map();
  for (const flow of flows) {
    const pair = JSON.stringify([flow.from_label, flow.to_label ?? GONE]);
    counts.set(pair, (counts.get(pair) ?? 0) + flow.customers);
  }
  const all = (one) => [...new Set([...labels, ...flows.map(one)])].filter((label) => label !== GONE);
  const rows = all((flow) => flow.from_label);
  const columns = [...all((flow) => flow.to_label ?? GONE), ...(flows.some((flow) => flow.to_label === null) ? [GONE] : [])];
  const most = Math.max(...counts.values());
  return heatMap(`${named(name)}: from label to label`, "From the label in the row to that in the column", "from / to", rows, columns, (row, column) => {
    const count = counts.get(JSON.stringify([row, column])) ?? 0;
    return { text: count ? number(count) : "·", heat: count / most };
  });
}

function listed(name, flows) {
  const most = Math.max(...flows.map((flow) => flow.customers));
  const line = (flow) => el("tr", {},
    el("th", { scope: "row", class: "pair" }, flow.from_label ?? NOT_THERE, el("span", { class: "arrow" }, " → "), flow.to_label ?? GONE),
    el("td", {}, because(flow.cause)),
    el("td", { class: "drawn" }, bar(flow.customers / most)),
    el("td", { class: "number" }, number(flow.customers)));
  return scrolled(`${named(name)}: flows`, el("table", { class: "bars" },
    el("caption", {}, "Flows, and why"),
    el("thead", { class: "unseen" }, el("tr", {}, ["from → to", "because", "chart", "customers"].map((one) => el("th", { scope: "col" }, one)))),
    el("tbody", {}, flows.map(line))));
}

function arrivals(came) {
  const [first] = Object.values(Object.groupBy(came, (flow) => flow.dimension));
  const people = first.reduce((sum, flow) => sum + flow.customers, 0);
  return el("p", {}, `${plural(people, "customer")}; in the list below as well.`);
}
