// Numbers, days and names as people write them.

export const NOTHING = "–";
const NAMES = {
  purchase_frequency: "How often they buy",
  spending: "What they spend",
  category: "For whom they buy",
};
const CAUSES = {
  first_seen: "seen for the first time",
  new_purchase: "purchases",
  time: "the day moved",
  rules: "the rules changed",
  gone: "no purchases are left",
  restored: "an earlier state was restored",
};
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const day_format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const time_format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const month_format = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const DAY_SECONDS = 86400;

/** A word of the tables for people. */
export function human(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A dimension for people. */
export const named = (dimension) => NAMES[dimension] ?? human(dimension);

/** Why a label changed. */
export const because = (cause) => CAUSES[cause] ?? human(cause);

export const isDay = (text) => typeof text === "string" && DAY.test(text);

export function day(text) {
  return isDay(text) ? day_format.format(new Date(text)) : (text ?? NOTHING);
}

export const moment = (text) => time_format.format(new Date(text));

export const month = (text) => month_format.format(new Date(`${text}-01`));

/** Whole numbers and amounts, digit for digit: an amount is no floating point number. */
export function number(value) {
  if (value === null || value === undefined) return NOTHING;
  const text = String(value);
  const parts = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  return parts ? parts[1] + parts[2].replace(/\B(?=(\d{3})+$)/g, ",") + (parts[3] ?? "") : text;
}

export const percent = (share, digits = 1) => `${(share * 100).toFixed(digits)}%`;

export function plural(count, word) {
  return `${number(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** How long something took or is old, in the largest unit that says enough. */
export function span(seconds) {
  const steps = [[2 * DAY_SECONDS, DAY_SECONDS, "day"], [7200, 3600, "hour"], [120, 60, "minute"], [0, 1, "second"]];
  const [, unit, word] = steps.find(([least]) => seconds >= least) ?? steps.at(-1);
  return plural(Math.max(0, Math.floor(seconds / unit)), word);
}

/** Days from one day to another, as "in 75 days". */
export function until(from, to) {
  return relative.format(Math.round((new Date(to) - new Date(from)) / (DAY_SECONDS * 1000)), "day");
}

/** The value of a metric. */
export function metric(name, value) {
  if (value === null || value === undefined) return NOTHING;
  if (isDay(value)) return day(value);
  if (name.endsWith("_share")) return percent(value);
  if (typeof value === "number" && !Number.isInteger(value)) return number(value.toFixed(1));
  return number(value);
}

/** An id that begins and ends where it does, also with blanks. */
export const quoted = (id) => `“${id}”`;

/** The address of a customer on this page. */
export const toCustomer = (id) => `#/customer/${encodeURIComponent(id)}`;

/** The address of all customers with labels, by dimension. */
export function toCustomers(labels) {
  return `#/customers?${new URLSearchParams(labels)}`;
}
