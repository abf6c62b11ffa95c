// Why a customer has its labels: the rules in their order, up to the one that decides.

import { bar } from "./charts.js";
import { el } from "./dom.js";
import { day, named, number, toCustomers } from "./words.js";

/** A card a dimension; without reasons only the label. */
export function labels(segmentation, dimensions = []) {
  const known = new Map(dimensions.map((one) => [one.dimension, one]));
  return el("div", { class: "cards" },
    Object.entries(segmentation).map(([name, label]) => card(name, label, known.get(name))));
}

function card(name, label, why) {
  return el("article", { class: "card" },
    el("h3", {}, named(name)),
    el("p", { class: "label" }, el("a", { href: toCustomers({ [name]: label }), title: "All customers with this label" }, label)),
    why ? explained(why, label) : null,
  );
}

function explained(why, published) {
  const at = why.rules.findIndex((rule) => rule.decides);
  return [
    why.label !== published ? el("p", { class: "warning" }, `By the rules of now it is ${why.label}.`) : null,
    el("p", { class: "because" }, at < 0 ? `No rule holds, so ${why.label}.` : `Rule ${at + 1} of ${why.rules.length} decides.`),
    el("ol", { class: "rules" }, why.rules.map((rule, number) => ruled(rule, at >= 0 && number > at))),
  ];
}

function ruled(rule, isBeyond) {
  const [kind, verdict] = isBeyond ? ["beyond", "not looked at"] : rule.holds ? ["yes", "decides"] : ["no", "no"];
  const shown = rule.comparisons.length ? rule.comparisons : [{ words: rule.condition }];
  return el("li", { class: kind },
    el("p", {}, el("strong", {}, rule.label), " ", el("span", { class: "verdict" }, verdict)),
    isBeyond ? null : el("ul", {}, shown.map((one, at) => compared(one, at > 0, rule.joined_by))),
  );
}

/** Further ones are joined to the first, or are what it counts. */
function compared(one, isFurther, joined) {
  return el("li", { class: isFurther && !joined ? "counted" : null },
    isFurther && joined ? el("em", {}, `${joined} `) : null,
    one.words,
    el("span", { class: one.holds ? "measured holds" : "measured" }, measured(one)),
    isCounted(one) ? bar(Number(one.value) / Number(one.threshold), one.holds ? "holds" : "") : null,
  );
}

function isCounted({ operator, value, threshold }) {
  return operator === ">=" && Number(threshold) > 0 && Number.isFinite(Number(value ?? NaN));
}

/** What there is, of how much, and what is lacking until when. */
export function measured(one) {
  if (one.value === undefined) return "";
  const found = one.value === null ? "nothing" : number(one.value);
  if (one.threshold === null || one.value === one.threshold) return found;
  const limit = number(one.threshold);
  const isSaid = one.words.split(" ").includes(limit);
  if (one.holds) return isSaid ? found : `${found}; ${limit} needed`;
  return found + (isSaid ? "" : ` of ${limit}`) + lacking(one);
}

function lacking({ missing, operator, until }) {
  if (!missing) return "";
  const how = operator === ">=" ? "more needed" : "away from it";
  return `; ${number(missing)} ${how}${until ? ` by ${day(until)}` : ""}`;
}
